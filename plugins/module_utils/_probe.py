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
#: What a URL did for a while, the worst last.
STATES = ("good", "bad", "silent")
#: Spans per URL that a picture can show.
_MOST_SPANS = 200
#: Seconds of silence that are no longer just the time between two requests.
_NOTICED = 0.25
#: How what a failed check found begins where the service did answer.
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

    def answers(self) -> dict[str, Any]:
        """Return since when was asked, and per URL in seconds from then what it did, for a picture.

        ``urls`` holds spans of time, each its begin, its end and one of :data:`STATES`; where they change too often to
        be drawn, neighbours are one span, as bad as the worst of them. ``silences`` holds begin and end of the longest
        time without any answer.
        """
        until = time.monotonic() - self._origin
        logs = {target.check.url: target.log for target in self._targets}
        silences = {url: _longest_gap(_answered(log), until) for url, log in logs.items()}
        return {
            "began": self._began,
            "urls": {url: _spans(log, until) for url, log in logs.items()},
            "silences": {url: [round(begin, 3), round(end, 3)] for url, (begin, end) in silences.items()},
        }

    def lines(self) -> bytes:
        """Return the log as JSON lines: URL, seconds until the answer came, whether it was good, what was wrong."""
        head = {"began": self._began, "interval": INTERVAL}
        rows = [
            {"url": target.check.url, "at": round(at, 4), "ok": ok, **({} if ok else {"found": found})}
            for target in self._targets
            for at, ok, found in target.log
        ]
        return "".join(json.dumps(row) + "\n" for row in [head, *rows]).encode()

    def _poll(self, target: _Target) -> None:
        with _checks.session() as client:
            while not self._stop.is_set():
                sent = time.monotonic()
                result = _checks.http(target.check, client)
                # Whoever waits for an answer has none until it comes, so this is when it counts.
                came = time.monotonic()
                target.log.append((came - self._origin, result.ok, result.found))
                self._stop.wait(max(0.0, INTERVAL - (came - sent)))


def _summary(log: Sequence[tuple[float, bool, str]], until: float) -> dict[str, Any]:
    good, answered = [(at, ok) for at, ok, _detail in log], _answered(log)
    gaps = {"longest_gap": _longest_gap(good, until), "longest_silence": _longest_gap(answered, until)}
    return {
        "sent": len(log),
        "failed": sum(not ok for _at, ok in good),
        "unreachable": sum(not ok for _at, ok in answered),
        **{name: round(end - begin, 3) for name, (begin, end) in gaps.items()},
    }


def _answered(log: Sequence[tuple[float, bool, str]]) -> list[tuple[float, bool]]:
    return [(at, ok or found.startswith(_ANSWERED)) for at, ok, found in log]


def _longest_gap(log: Sequence[tuple[float, bool]], until: float) -> tuple[float, float]:
    """Return begin and end of the longest time between two good entries; one that has not ended goes up to *until*."""
    times = [0.0, *(at for at, ok in log if ok)]
    if log and not log[-1][1]:
        times.append(until)
    return max(itertools.pairwise(times), key=lambda gap: gap[1] - gap[0], default=(0.0, 0.0))


def _spans(log: Sequence[tuple[float, bool, str]], until: float) -> list[list[Any]]:
    """Return spans of one state; between two requests it is that of the worse, as the longest gaps are counted."""
    answered = [ok for _at, ok in _answered(log)]
    states = [0 if ok else 1 if told else 2 for (_at, ok, _detail), told in zip(log, answered, strict=True)]
    if not states:
        return []
    edges = [0.0, *(at for at, _ok, _detail in log), until]
    ends = [states[0], *states, states[-1]]
    silence = _longest_gap(_answered(log), until)
    spans: list[tuple[float, float, int]] = []
    for (begin, end), (first, second) in zip(itertools.pairwise(edges), itertools.pairwise(ends), strict=True):
        # A request may wait long for its answer: nobody else got one meanwhile.
        waited = end - begin > _NOTICED and silence[0] <= begin and end <= silence[1]
        state = 2 if waited else max(first, second)
        # A better answer in between, and be it a single one, ends a span.
        goes_on = bool(spans) and spans[-1][2] == state == first
        spans.append((spans.pop()[0] if goes_on else begin, end, state))
    if len(spans) > _MOST_SPANS:
        spans = _thinned(spans, until / _MOST_SPANS)
    return [[round(begin, 3), round(end, 3), STATES[state]] for begin, end, state in spans]


def _thinned(spans: Sequence[tuple[float, float, int]], width: float) -> list[tuple[float, float, int]]:
    """Return spans of at least one width each, as bad as the worst that begins in it."""
    groups = [list(group) for _window, group in itertools.groupby(spans, key=lambda span: int(span[0] / width))]
    return [(group[0][0], group[-1][1], max(state for _begin, _end, state in group)) for group in groups]
