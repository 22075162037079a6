"""The two things that happen without a request: snapshots by interval, and the watch over the application."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from peelback import durable, health, retention
from peelback.errors import BusyError, PeelbackError
from peelback.metrics import Metrics
from peelback.recovery import Recovery
from peelback.service import Service
from peelback.settings import WatchRules

log = logging.getLogger(__name__)


class _Loop:
    """A thread that calls `turn`, which returns the seconds to wait, until it is stopped."""

    name = "loop"

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for a turn that runs, so that no operation is cut off without need."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> float:
        raise NotImplementedError

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                wait = self.turn()
            except Exception:
                # One failed turn must not end the protection; the next one may succeed.
                log.exception("%s failed and goes on", self.name)
                wait = 5.0


class Schedule(_Loop):
    """Takes snapshots by interval, none while the application is failing: those would displace good ones."""

    name = "schedule"

    def __init__(self, service: Service, seconds: float) -> None:
        super().__init__()
        self._service = service
        self._seconds = seconds
        self._failed = 0
        self.paused: str | None = None
        self.next: datetime | None = None

    def turn(self) -> float:
        wait = self._due() or self._take()
        self.next = datetime.now(UTC) + timedelta(seconds=wait)
        return wait

    def _due(self) -> float:
        """Seconds until the next one is due; a restart of the service makes none ahead of time."""
        newest = next((known for known in self._service.catalogue.summaries() if known.trigger == "interval"), None)
        age = time.time() - newest.started_ns / 1e9 if newest else self._seconds
        # A clock that was set back makes no longer pause than one interval.
        return min(self._seconds, max(0.0, self._seconds - age)) if age >= 0 else 0.0

    def _take(self) -> float:
        self.paused = None
        if self._service.health() is False:
            self.paused = "the application is failing"
        elif not retention.room_for_interval(self._service.catalogue.summaries(), self._service.keep):
            self.paused = "requested snapshots take all places"
        if self.paused:
            return min(self._seconds, 1.0)
        try:
            self._service.snapshot("", "interval")
        except BusyError:
            return min(self._seconds, 0.2)
        except PeelbackError as error:
            self._failed += 1
            log.error("no snapshot: %s", error.message)
            return min(self._seconds, 5.0 * self._failed)
        self._failed = 0
        return self._seconds


class Watch(_Loop):
    """Asks for the application's health, and goes back by itself where the configuration says so."""

    name = "watch"

    def __init__(
        self, service: Service, rules: WatchRules, recovery: Recovery, storage: Path, metrics: Metrics
    ) -> None:
        super().__init__()
        self.rules = rules
        self.state = health.State()
        self.last: dict[str, str] | None = None
        self._service = service
        self._triggers = recovery.rollback.triggers if recovery.automatic else []
        self._file = storage / "incident.json"
        self._metrics = metrics
        self._guard = threading.Lock()
        self._load()

    def known(self) -> bool | None:
        """Whether the application is healthy; one failed check makes it unhealthy, None is not known yet."""
        return self.state.healthy

    def forget(self) -> None:
        """A person restored something: automatic attempts start anew, after the grace period."""
        with self._guard:
            self.state = health.State(quiet_until=time.monotonic() + self.rules.grace)
            self._save()

    def turn(self) -> float:
        answer = health.probe(self.rules)
        with self._guard:
            was = self.state
            self.state, action = health.advance(self.state, answer, time.monotonic(), self.rules, self._triggers)
            self._metrics.healthy.set(1 if self.state.healthy else 0)
            self._metrics.failures.set(self.state.failures)
            if (was.attempts, was.gave_up) != (self.state.attempts, self.state.gave_up):
                self._save()
        if action == "rollback":
            self._roll_back(answer)
        elif action == "give up":
            log.critical(
                "the application is failing after %d automatic rollbacks; a person is needed", self.state.attempts
            )
            self._metrics.rollbacks.labels("gave-up").inc()
        return self.rules.interval

    def _roll_back(self, answer: health.Probe) -> None:
        why = "criticalError" if answer == "critical" else "healthCheckFailure"
        log.error("rolling back by itself: %s after %d failed checks", why, self.state.failures)
        # Counted before it is tried: an attempt that kills this process is one of the bounded number, too.
        with self._guard:
            self._save(attempts=self.state.attempts + 1)
        try:
            done, damaged = self._service.restore_good(self.state.tried)
        except BusyError:
            with self._guard:
                self._save()
            return
        except PeelbackError as error:
            log.error("the automatic rollback failed: %s", error.message)
            done, damaged = None, []
        snapshot = done.snapshot.id if done else None
        with self._guard:
            self.state = health.after_rollback(self.state, snapshot, damaged, time.monotonic(), self.rules)
            self._save()
        result = "restored" if done else "no-snapshot"
        self._metrics.rollbacks.labels(result).inc()
        self.last = {"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "trigger": why, "result": result}
        if snapshot:
            self.last["snapshotId"] = snapshot
        log.error("automatic rollback: %s %s", result, snapshot or "")

    def _save(self, attempts: int | None = None) -> None:
        kept = {key: asdict(self.state)[key] for key in ("attempts", "tried", "gave_up")}
        kept["attempts"] = kept["attempts"] if attempts is None else attempts
        durable.replace(self._file, json.dumps(kept).encode())

    def _load(self) -> None:
        try:
            kept = json.loads(self._file.read_bytes())
            self.state = health.State(
                attempts=int(kept["attempts"]), tried=tuple(map(str, kept["tried"])), gave_up=bool(kept["gave_up"])
            )
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError):
            log.exception("%s is damaged, and attempts are counted anew", self._file)
