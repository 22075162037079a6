# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a version answered when it was captured, and whether it is slower now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.tiered.rollback.plugins.module_utils import _check_http
from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check

Figures = Mapping[str, Mapping[str, float]]

#: As many requests tell the 95th percentile from the slowest one, and take a service no time.
REQUESTS = 40
_SECONDS = 5.0
_THREADS = 16
#: Of which a difference is no more than the machine's mood: milliseconds.
_NOISE = 25.0


def measure(checks: Sequence[Check]) -> dict[str, dict[str, float]]:
    """Ask every check's URL often enough for percentiles, side by side, and return those in milliseconds."""
    deadline = time.monotonic() + _SECONDS
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        found = pool.map(lambda check: _check_http.sample(check, REQUESTS, deadline), checks)
        return {
            check.name: _check_http.percentiles([result.milliseconds for result in results])
            for check, results in zip(checks, found, strict=True)
        }


def compare(verdicts: Sequence[Verdict], baseline: Figures, tolerance: float, point: str) -> list[Verdict]:
    """Judge the percentiles of checks against those of a restore point, where it has them.

    :param tolerance: per cent that an answer may take longer than then.
    """
    return [
        _compared(verdict, baseline[verdict.name], tolerance, point)
        for verdict in verdicts
        # One that fails is told already, and of one request there is no percentile.
        if verdict.name in baseline and verdict.ok and verdict.figures.get("requests", 0) >= 2
    ]


def _compared(verdict: Verdict, then: Mapping[str, float], tolerance: float, point: str) -> Verdict:
    limits = {name: max(then[name] * (1 + tolerance / 100), then[name] + _NOISE) for name in ("p50", "p95")}
    slower = [
        f"{name} {verdict.figures[name]:.0f} ms, then {then[name]:.0f} ms"
        for name, limit in limits.items()
        if verdict.figures[name] > limit
    ]
    return Verdict(
        name=f"{verdict.name} as in {point}",
        kind="baseline",
        ok=not slower,
        expected=", ".join(f"{name} at most {limit:.0f} ms" for name, limit in limits.items()),
        found="; ".join(slower) or "no slower",
        hint="Something else than the version has changed: data, load, or the host." if slower else "",
    )
