# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a stack: samples of its checks and containers, and whether they break a limit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _logs
from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container, Usage
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

#: Kinds of verdicts that need no second sample to be believed.
_AT_ONCE = ("restarts", "errors")
_WINDOW = 60.0
#: Seconds that the engine may take to write down what a container prints.
_LAG = 0.5


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What breaks off a watch; None: told, and never a reason.

    :param failures: samples in a row in which the same check must fail.
    :param errors: lines that speak of errors, per container and minute.
    :param cpu: per cent of one processor, per container.
    :param memory: per cent of what a container may use.
    """

    failures: int
    errors: int | None
    cpu: float | None
    memory: float | None


@dataclass
class Seen:
    """What a watch has seen of one container: the worst of each figure."""

    id: str
    restarts: int
    usage: Usage | None = None
    read: float = 0.0
    errors: int = 0
    restarted: int = 0
    cpu_most: float = 0.0
    memory_most: float = 0.0
    memory_bytes: int = 0
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    def to_dict(self, name: str) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "name": name,
            "errors": self.errors,
            "restarts": self.restarted,
            "cpu_most": round(self.cpu_most, 1),
            "memory_most": round(self.memory_most, 1),
            "memory_bytes": self.memory_bytes,
        }


class Containers:
    """The containers of a stack from one sample to the next."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._seen: dict[str, Seen] = {}

    def sample(self, containers: Sequence[Container]) -> list[Verdict]:
        """Look at every container, and judge it."""
        return [verdict for container in containers for verdict in self._look(container)]

    def summary(self) -> list[dict[str, Any]]:
        """Return the worst of every figure, by container."""
        return [seen.to_dict(name) for name, seen in sorted(self._seen.items())]

    def _look(self, container: Container) -> list[Verdict]:
        before = self._seen.get(container.name)
        if before is None or before.id != container.id:
            # Another one under the same name has another history.
            before = Seen(id=container.id, restarts=container.restarts, read=time.time() - _LAG)
            self._seen[container.name] = before
        found = [_state(container), _restarts(container, before), self._errors(container, before)]
        found += self._usage(container, before)
        return found

    def _errors(self, container: Container, seen: Seen) -> Verdict:
        until = time.time() - _LAG
        # Each line once: the next sample begins where this one ends.
        count = len(_logs.of_errors(self._engine.log_between(container.id, seen.read, until).splitlines()))
        seen.read, seen.errors = until, seen.errors + count
        seen.recent.append((until, count))
        while seen.recent[0][0] < until - _WINDOW:
            seen.recent.popleft()
        return _limited("errors", container, sum(n for _at, n in seen.recent), self._limits.errors, "in a minute")

    def _usage(self, container: Container, seen: Seen) -> list[Verdict]:
        last, seen.usage = seen.usage, self._engine.usage(container.id)
        now, found = seen.usage, []
        if now is None:
            return []
        seen.memory_bytes = max(seen.memory_bytes, now.memory)
        if now.limit:
            share = 100 * now.memory / now.limit
            seen.memory_most = max(seen.memory_most, share)
            found.append(_limited("memory", container, share, self._limits.memory, "% of its limit"))
        # It starts from nothing again with the container.
        if last is not None and now.cpu >= last.cpu and now.at > last.at:
            share = 100 * (now.cpu - last.cpu) / (now.at - last.at)
            seen.cpu_most = max(seen.cpu_most, share)
            found.append(_limited("cpu", container, share, self._limits.cpu, "% of a processor"))
        return found


class Streaks:
    """How many samples in a row each check has failed."""

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self._counts: dict[str, int] = {}
        self._total: dict[str, dict[str, Any]] = {}

    def add(self, verdicts: Sequence[Verdict]) -> str:
        """Count one sample; return what breaks a limit, empty where nothing does."""
        breaches = []
        for verdict in verdicts:
            total = self._total.setdefault(verdict.name, {"name": verdict.name, "samples": 0, "failed": 0, "found": ""})
            total["samples"] += 1
            self._counts[verdict.name] = count = 0 if verdict.ok else self._counts.get(verdict.name, 0) + 1
            if verdict.ok:
                continue
            total["failed"] += 1
            total["found"] = verdict.found
            if verdict.kind in _AT_ONCE:
                breaches.append(f"{verdict.name}: {verdict.found}")
            elif count >= self._failures:
                breaches.append(f"{verdict.name} failed {count} times in a row: {verdict.found}")
        return "; ".join(breaches)

    def summary(self) -> list[dict[str, Any]]:
        """Return samples, failures and what was found last, by check, worst first."""
        return sorted(self._total.values(), key=lambda total: -total["failed"])


def describe(verdicts: Sequence[Verdict], containers: Sequence[Mapping[str, Any]]) -> str:
    """Tell one sample in a line."""
    failed = [f"{verdict.name}: {verdict.found}" for verdict in verdicts if not verdict.ok]
    checks = "; ".join(failed) if failed else f"{len(verdicts)} checks hold"
    used = ", ".join(
        f"{c['name']} CPU {c['cpu_most']:.0f} %, memory {c['memory_bytes'] / 1e6:.0f} MB" for c in containers
    )
    errors = sum(c["errors"] for c in containers)
    return f"{checks}; at most {used or 'nothing'}; {errors} lines of errors"


def watch(
    sample: Callable[[], list[Verdict]], streaks: Streaks, tell: Callable[[list[Verdict], float], None],
    *, seconds: float, interval: float,
) -> tuple[str, int]:  # fmt: skip
    """Sample until the time is over or a limit is broken; return what broke it, and the number of samples."""
    begun, count = time.monotonic(), 0
    while True:
        at = time.monotonic()
        verdicts = sample()
        count += 1
        breach = streaks.add(verdicts)
        tell(verdicts, time.monotonic() - begun)
        following = max(at + interval, time.monotonic())
        if breach or following - begun >= seconds:
            return breach, count
        time.sleep(max(0.0, following - time.monotonic()))


def _state(container: Container) -> Verdict:
    # A job that ended well is as it should be.
    ok = container.good or (not container.running and container.exit_code == 0)
    return Verdict(
        name=f"container {container.name}", kind="container", ok=ok, expected="running, healthy", found=container.state
    )


def _restarts(container: Container, seen: Seen) -> Verdict:
    seen.restarted = container.restarts - seen.restarts
    return Verdict(
        name=f"restarts of {container.name}",
        kind="restarts",
        ok=seen.restarted <= 0,
        expected="no restart",
        found=f"restarted {seen.restarted} times",
    )


def _limited(kind: str, container: Container, value: float, limit: float | None, unit: str) -> Verdict:
    return Verdict(
        name=f"{kind} of {container.name}",
        kind=kind,
        ok=limit is None or value <= limit,
        expected="told only" if limit is None else f"at most {limit:g} {unit}",
        found=f"{value:.0f} {unit}",
    )
