# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which limits the figures of CI have crossed, and what the decision matrix says to that (pure).

The limits are those of documents 000 (automatic rollback conditions, alerting thresholds, key metrics) and 001 (primary
triggers, decision matrix).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _triggers
from ansible_collections.tiered.rollback.plugins.module_utils._ci_metrics import Metrics
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import APPROVALS
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._triggers import SEVERITIES, Trigger

_MINUTE = 60.0

#: A measure is a figure of :class:`Metrics`, or one of those that compare it with a baseline: ``slower``, percent that
#: the median run is slower, and ``failing_more``, points by which the share of failed runs is higher.
TRIGGERS: Mapping[str, Trigger] = {
    "ci_broken": Trigger(
        measure="failed_in_row",
        above=True,
        limit=2,
        severity="critical",
        issue="ci_broken",
        alert="critical",
        meaning="CI is broken: every one of the newest runs failed",
    ),
    "ci_time": Trigger(
        measure="seconds",
        above=True,
        limit=35 * _MINUTE,
        severity="high",
        issue="ci_slow",
        alert="critical",
        meaning="CI takes too long",
    ),
    "ci_time_critical": Trigger(
        measure="seconds",
        above=True,
        limit=25 * _MINUTE,
        severity="none",
        issue="ci_slow",
        alert="critical",
        meaning="CI is very slow",
    ),
    "ci_time_warning": Trigger(
        measure="seconds",
        above=True,
        limit=20 * _MINUTE,
        severity="none",
        issue="ci_slow",
        alert="warning",
        meaning="CI is slow",
    ),
    "coverage_missing": Trigger(
        measure="coverage_missing_in_row",
        above=True,
        limit=2,
        severity="high",
        issue="ci_coverage",
        alert="critical",
        meaning="coverage reports are missing in run after run",
    ),
    "coverage_missing_once": Trigger(
        measure="coverage_missing_in_row",
        above=True,
        limit=0,
        severity="none",
        issue="ci_coverage",
        alert="critical",
        meaning="the newest run left no coverage report",
    ),
    "build_failing": Trigger(
        measure="build_failed_in_row",
        above=True,
        limit=2,
        severity="high",
        issue="ci_build_failing",
        alert="critical",
        meaning="the image does not build in run after run",
    ),
    "failing_more": Trigger(
        measure="failing_more",
        above=True,
        limit=20,
        severity="high",
        issue="ci_failing",
        alert="critical",
        meaning="more runs fail than in the baseline",
    ),
    "much_slower": Trigger(
        measure="slower",
        above=True,
        limit=50,
        severity="high",
        issue="ci_slow",
        alert="critical",
        meaning="CI is much slower than before",
    ),
    "slower": Trigger(
        measure="slower",
        above=True,
        limit=20,
        severity="medium",
        issue="ci_slow",
        alert="warning",
        meaning="CI is slower than before",
    ),
    "unreliable": Trigger(
        measure="pass_rate",
        above=False,
        limit=95,
        severity="medium",
        issue="ci_failing",
        alert="warning",
        meaning="too many runs fail",
    ),
    "tests_failing": Trigger(
        measure="test_failure_rate",
        above=True,
        limit=5,
        severity="high",
        issue="ci_failing",
        alert="warning",
        meaning="too many tests fail in the newest run",
    ),
    "coverage_low": Trigger(
        measure="coverage",
        above=False,
        limit=80,
        severity="low",
        issue="ci_coverage",
        alert="warning",
        meaning="too little code is covered",
    ),
    "artifacts_missing": Trigger(
        measure="artifact_rate",
        above=False,
        limit=100,
        severity="low",
        issue="ci_artifacts",
        alert="warning",
        meaning="runs that succeeded left no artifacts",
    ),
}


def limits(given: Mapping[str, Any]) -> dict[str, float]:
    """Return limits that replace those of triggers, by the trigger's name."""
    if unknown := sorted(set(given) - set(TRIGGERS)):
        raise RollbackError(f"there is no trigger {', '.join(unknown)}", f"Known: {', '.join(TRIGGERS)}.")
    try:
        return {name: float(value) for name, value in given.items()}
    except (TypeError, ValueError) as error:
        raise RollbackError(f"limits must be numbers: {error}", "Times are in seconds, shares in percent.") from error


def crossed(now: Metrics, baseline: Mapping[str, Any] | None, replaced: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the triggers that fire, the worst first.

    :param baseline: figures of when all was well, as :class:`Metrics` has them; None where there are none.
    :param replaced: what :func:`limits` returns.
    """
    return _triggers.crossed({**asdict(now), **_compared(now, baseline or {})}, TRIGGERS, replaced)


def advise(fired: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the decision matrix says to the worst of the triggers that fired."""
    worst = max(fired, key=lambda each: SEVERITIES.index(each["severity"]), default={"severity": "none", "issue": None})
    found = _decision.decide(worst["severity"], worst["issue"], about="ci")
    return {
        "severity": found.severity,
        "action": found.action,
        "within": found.within,
        "approver": APPROVALS[found.approval]["who"],
    }


def unmet(seconds: float | None, coverage: float | None, artifacts: int, targets: Mapping[str, float]) -> list[str]:
    """Say which targets a run that proves CI has missed.

    :param seconds: that it took.
    :param coverage: percent, as its report says; None where it left none.
    :param artifacts: how many it left.
    :param targets: any of ``seconds`` (at most), ``coverage`` (percent, at least) and ``artifacts`` (at least).
    """
    missed = []
    if "seconds" in targets and (seconds is None or seconds > targets["seconds"]):
        missed.append(f"it took {seconds or 0:.0f} s, more than {targets['seconds']:.0f} s")
    if "coverage" in targets and (coverage is None or coverage < targets["coverage"]):
        said = "it left no coverage report" if coverage is None else f"it covers {coverage:.1f} %"
        missed.append(f"{said}; at least {targets['coverage']:g} % are asked for")
    if "artifacts" in targets and artifacts < targets["artifacts"]:
        missed.append(f"it left {artifacts} artifacts; at least {targets['artifacts']:.0f} are asked for")
    return missed


def _compared(now: Metrics, baseline: Mapping[str, Any]) -> dict[str, float | None]:
    usual, passing = baseline.get("median_seconds"), baseline.get("pass_rate")
    return {
        "slower": 100 * (now.median_seconds / usual - 1) if usual and now.median_seconds is not None else None,
        "failing_more": passing - now.pass_rate if passing is not None and now.pass_rate is not None else None,
    }
