# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_triggers, _decision, _triggers
from ansible_collections.tiered.rollback.plugins.module_utils._ci_metrics import Metrics
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

WELL = Metrics(
    runs=50,
    failed_in_row=0,
    pass_rate=100.0,
    seconds=600.0,
    median_seconds=600.0,
    coverage=85.0,
    coverage_missing_in_row=0,
    build_failed_in_row=0,
    artifact_rate=100.0,
    test_failure_rate=0.0,
)
BASELINE = {"median_seconds": 600.0, "pass_rate": 100.0}


def names(now: Metrics, baseline: dict[str, Any] | None = None, **limits: float) -> set[str]:
    return {each["name"] for each in _ci_triggers.crossed(now, baseline, limits)}


def test_nothing_fires_while_all_is_well() -> None:
    assert names(WELL, BASELINE) == set()


@pytest.mark.parametrize(
    ("change", "at_the_limit", "beyond", "fires"),
    [
        # Document 000: automatic rollback conditions.
        ("seconds", 35 * 60, 35 * 60 + 1, "ci_time"),
        ("coverage_missing_in_row", 2, 3, "coverage_missing"),
        ("build_failed_in_row", 2, 3, "build_failing"),
        ("pass_rate", 80.0, 79.9, "failing_more"),
        # Document 000: alerting thresholds and key metrics.
        ("seconds", 20 * 60, 20 * 60 + 1, "ci_time_warning"),
        ("seconds", 25 * 60, 25 * 60 + 1, "ci_time_critical"),
        ("test_failure_rate", 5.0, 5.1, "tests_failing"),
        ("coverage_missing_in_row", 0, 1, "coverage_missing_once"),
        ("artifact_rate", 100.0, 99.9, "artifacts_missing"),
        # Document 001: primary triggers and decision matrix.
        ("median_seconds", 900.0, 901.0, "much_slower"),
        ("median_seconds", 720.0, 721.0, "slower"),
        ("pass_rate", 95.0, 94.9, "unreliable"),
        ("failed_in_row", 2, 3, "ci_broken"),
        # Document 002.
        ("coverage", 80.0, 79.9, "coverage_low"),
    ],
)
def test_each_limit_of_the_documents_fires_beyond_it(
    change: str, at_the_limit: float, beyond: float, fires: str
) -> None:
    assert fires not in names(replace(WELL, **{change: at_the_limit}), BASELINE)
    assert fires in names(replace(WELL, **{change: beyond}), BASELINE)


def test_without_a_baseline_nothing_is_compared_with_it() -> None:
    worse = replace(WELL, median_seconds=6000.0, pass_rate=10.0)
    assert names(worse, None) == {"unreliable"}
    assert names(worse, {"median_seconds": None, "pass_rate": None}) == {"unreliable"}


def test_the_worst_comes_first_and_decides_the_advice() -> None:
    fired = _ci_triggers.crossed(replace(WELL, failed_in_row=3, coverage=10.0), None, {})
    assert [each["issue"] for each in fired] == ["ci_broken", "ci_coverage"]
    assert [each["severity"] for each in fired] == ["critical", "low"]
    assert _ci_triggers.advise(fired)["within"] == 3600
    assert _ci_triggers.advise([])["action"] == "nothing"


@given(st.lists(st.sampled_from(_triggers.SEVERITIES), max_size=6), st.sampled_from(_triggers.SEVERITIES))
def test_one_more_trigger_never_makes_the_advice_milder(severities: list[str], another: str) -> None:
    def rank(names: list[str]) -> int:
        advised = _ci_triggers.advise([{"severity": name, "issue": "ci_slow"} for name in names])["severity"]
        return _triggers.SEVERITIES.index(advised)

    assert rank([*severities, another]) >= rank(severities)


@pytest.mark.parametrize("name", list(_ci_triggers.TRIGGERS))
def test_every_trigger_is_an_issue_of_ci_to_the_matrix(name: str) -> None:
    trigger = _ci_triggers.TRIGGERS[name]
    assert _decision.decide(trigger.severity, trigger.issue).row == f"{trigger.severity}/ci"


def test_a_limit_is_replaced_by_name() -> None:
    slow = replace(WELL, seconds=1300.0)
    assert names(slow) == {"ci_time_warning"}
    assert names(slow, ci_time_warning=1400.0) == set()


@pytest.mark.parametrize(("given", "message"), [({"x": 1}, "no trigger x"), ({"ci_time": "long"}, "must be numbers")])
def test_limits_that_mean_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _ci_triggers.limits(given)


TARGETS = {"seconds": 1200, "coverage": 80, "artifacts": 1}


@pytest.mark.parametrize(
    ("seconds", "coverage", "artifacts", "missed"),
    [
        (1200.0, 80.0, 1, []),
        (1201.0, 80.0, 1, ["it took 1201 s, more than 1200 s"]),
        (None, 80.0, 1, ["it took 0 s, more than 1200 s"]),
        (60.0, 79.96, 1, ["it covers 80.0 %; at least 80 % are asked for"]),
        (60.0, None, 1, ["it left no coverage report; at least 80 % are asked for"]),
        (60.0, 90.0, 0, ["it left 0 artifacts; at least 1 are asked for"]),
    ],
)
def test_targets_that_a_run_missed_are_said(
    seconds: float | None, coverage: float | None, artifacts: int, missed: list[str]
) -> None:
    assert _ci_triggers.unmet(seconds, coverage, artifacts, TARGETS) == missed
    assert _ci_triggers.unmet(seconds, coverage, artifacts, {}) == []
