# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of downtime: requests sent all along, and what became of each."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _checks
from ansible_collections.tiered.rollback.plugins.module_utils._journal import now
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check

#: Seconds between two requests to the same URL: fine enough for the second that matters, light enough for any service.
INTERVAL = 0.05
_PATIENCE = 2.0
#: How the detail of a failed check begins where the service did answer.
_ANSWERED = ("status ", "the answer", "JSON ")


@dataclass
class _Target:
    check: Check
    log: list[tuple[float, bool, str]] = field(default_factory=list)


class Prober:
    """Asks every check's URL again and again, on one thread each, until left.

    A context manager; :meth:`summary` and :meth:`lines` may be read afterwards.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self._targets = [_Target(check) for check in {check.url: check for check in checks}.values()]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._poll, args=(t,), daemon=True) for t in self._targets]
        self._began = now()
        self._origin = time.monotonic()

    def __enter__(self) -> Prober:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE + 1)

    def summary(self) -> dict[str, Any]:
        """Return, per URL, requests sent and failed, and the longest time without a good answer, in seconds.

        An answer counts as good when its check holds. ``unreachable`` counts requests that got no answer at all,
        ``longest_silence`` the longest time of that.
        """
        return {target.check.url: _summary(target.log, time.monotonic() - self._origin) for target in self._targets}

    def outage(self) -> float:
        """Return the longest time without any answer on one of the URLs, in seconds.

        What the broken version answered before the switch is its failure, not the rollback's outage.
        """
        return max((entry["longest_silence"] for entry in self.summary().values()), default=0.0)

    def lines(self) -> bytes:
        """Return the log as JSON lines: URL, seconds since the start, whether it was good, what was wrong."""
        head = {"began": self._began, "interval": INTERVAL}
        rows = [
            {"url": target.check.url, "at": round(at, 4), "ok": ok, **({} if ok else {"detail": detail})}
            for target in self._targets
            for at, ok, detail in target.log
        ]
        return "".join(json.dumps(row) + "\n" for row in [head, *rows]).encode()

    def _poll(self, target: _Target) -> None:
        with _checks.session() as client:
            while not self._stop.is_set():
                at = time.monotonic() - self._origin
                result = _checks.http(target.check, client)
                target.log.append((at, result.ok, result.detail))
                self._stop.wait(max(0.0, INTERVAL - (time.monotonic() - self._origin - at)))


def _summary(log: Sequence[tuple[float, bool, str]], until: float) -> dict[str, Any]:
    good = [(at, ok) for at, ok, _detail in log]
    answered = [(at, ok or detail.startswith(_ANSWERED)) for at, ok, detail in log]
    return {
        "sent": len(log),
        "failed": sum(not ok for _at, ok in good),
        "unreachable": sum(not ok for _at, ok in answered),
        "longest_gap": _longest_gap(good, until),
        "longest_silence": _longest_gap(answered, until),
    }


def _longest_gap(log: Sequence[tuple[float, bool]], until: float) -> float:
    """Return the longest time between two good entries; one that has not ended counts up to *until*."""
    times = [0.0, *(at for at, ok in log if ok)]
    if log and not log[-1][1]:
        times.append(until)
    return round(max((end - begin for begin, end in itertools.pairwise(times)), default=0.0), 3)
