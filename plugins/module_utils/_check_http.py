# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by one HTTP request, sent once or often enough to say how fast answers come."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _names, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._databases import frozen
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack

PERCENTILES = ("p50", "p95", "p99")
SPEC: dict[str, dict[str, Any]] = {
    **_stack.CHECK_SPEC,
    "requests": {"type": "int", "default": 1},
    **{name: {"type": "float"} for name in PERCENTILES},
    "error_rate": {"type": "float"},
}
_MOST = 10_000
#: Seconds that one check measures at most, however many requests it was to send.
_MEASURED = 20.0
_SLOW = "Look at what the service waits for (database, other services, CPU); the budget is in the inventory."
_WRONG = "Look at the service's log; a wrong URL in rollback_stack shows here too."


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse a URL that is none, and figures that no service could meet or miss."""
    _names.http_url(values["url"], f"{where}.url")
    if not 1 <= values["requests"] <= _MOST:
        raise RollbackError(f"{where}.requests must be from 1 to {_MOST}", "100 tell a percentile well.")
    for name in (*PERCENTILES, "error_rate"):
        if values[name] is not None and not 0 < values[name] < math.inf:
            raise RollbackError(
                f"{where}.{name} must be above 0", "It is what must stay below: milliseconds, or per cent of requests."
            )


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Send the requests one after the other, and judge what came."""
    # The name is of no matter here, and may not have been given.
    check = Check(**frozen({**{key: values[key] for key in _stack.CHECK_SPEC}, "name": values["name"] or ""}))
    return judge(sample(check, values["requests"], subject.deadline), values)


def sample(check: Check, requests: int, deadline: float) -> list[_checks.Result]:
    """Ask a number of times, or for as long as may be measured."""
    until = min(deadline, time.monotonic() + _MEASURED)
    with _checks.session() as client:
        results = [_checks.http(check, client)]
        while len(results) < requests and time.monotonic() < until:
            results.append(_checks.http(check, client))
    return results


def judge(results: Sequence[_checks.Result], values: Mapping[str, Any]) -> Found:
    """Compare what requests found with the budgets."""
    figures = percentiles([result.milliseconds for result in results])
    failed = [result for result in results if not result.ok]
    rate = 100 * len(failed) / len(results)
    allowed = values["error_rate"]
    budgets = {name: values[name] for name in PERCENTILES if values[name] is not None}
    expected = ["an answer as described" if allowed is None else f"fewer than {allowed:g} % of requests failing"]
    expected += [f"{name} below {budget:g} ms" for name, budget in budgets.items()]
    wrong = []
    if failed and (allowed is None or rate >= allowed):
        share = f"{len(failed)} of {len(results)} failed ({rate:.1f} %): " if len(results) > 1 else ""
        wrong.append(share + failed[-1].found)
    slow = [f"{name} {figures[name]:.0f} ms" for name, budget in budgets.items() if figures[name] >= budget]
    measured = f"p50 {figures['p50']:.0f}, p95 {figures['p95']:.0f}, p99 {figures['p99']:.0f} ms of {len(results)}"
    return Found(
        ok=not (wrong or slow),
        expected=", ".join(expected),
        found="; ".join([*wrong, *slow]) or (measured if len(results) > 1 else "as wanted"),
        hint=_WRONG if wrong else _SLOW if slow else "",
        figures={**figures, "error_rate": rate, "requests": len(results)},
    )


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return the percentiles by nearest rank: each is a value that was measured."""
    ordered = sorted(milliseconds)
    return {name: ordered[math.ceil(int(name[1:]) / 100 * len(ordered)) - 1] for name in PERCENTILES}


KIND = Kind(key="url", spec=SPEC, look=look, refuse=refuse)
