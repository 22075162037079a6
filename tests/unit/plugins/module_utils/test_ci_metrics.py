# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_metrics
from ansible_collections.tiered.rollback.plugins.module_utils._ci_metrics import Metrics, Names
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import Job, WorkflowRun
from ansible_collections.tiered.rollback.plugins.module_utils._test_reports import Counts
from hypothesis import given
from hypothesis import strategies as st

NAMES = Names(coverage=("*coverage*",), build=("*build*",))
CONCLUSIONS = ["success", "failure", "timed_out", "startup_failure", "cancelled", "skipped", None]


def run(number: int, conclusion: str | None = "success", seconds: float | None = 60.0) -> WorkflowRun:
    return WorkflowRun(
        id=number,
        node_id=f"R{number}",
        file="ci.yml",
        name="ci",
        branch="main",
        sha="a" * 40,
        event="push",
        status="completed" if conclusion else "in_progress",
        conclusion=conclusion,
        started="2026-11-20T10:00:00Z",
        seconds=seconds if conclusion else None,
        url=f"https://github.com/acme/shop/actions/runs/{number}",
    )


def measure(*runs: WorkflowRun, **more: Any) -> Metrics:
    return _ci_metrics.measure(runs, more.pop("jobs", {}), more.pop("artifacts", {}), NAMES, **more)


def test_nothing_is_measured_of_nothing() -> None:
    assert measure() == Metrics(
        runs=0,
        failed_in_row=0,
        pass_rate=None,
        seconds=None,
        median_seconds=None,
        coverage=None,
        coverage_missing_in_row=0,
        build_failed_in_row=0,
        artifact_rate=None,
        test_failure_rate=None,
    )


def test_only_runs_with_a_verdict_count() -> None:
    found = measure(run(5, None), run(4, "cancelled"), run(3, "failure"), run(2, "skipped"), run(1))
    assert (found.runs, found.pass_rate, found.failed_in_row) == (2, 50.0, 1)


def test_the_median_is_that_of_successful_runs_and_the_newest_run_any() -> None:
    found = measure(run(4, "failure", 5.0), run(3, seconds=100.0), run(2, seconds=300.0), run(1, seconds=200.0))
    assert (found.seconds, found.median_seconds) == (5.0, 200.0)


def test_rows_end_with_the_first_run_that_did_well() -> None:
    runs = [run(4, "failure"), run(3, "failure"), run(2), run(1, "failure")]
    jobs = {4: [Job(name="Docker Build", conclusion="failure", seconds=1.0)], 3: [], 1: []}
    found = measure(*runs, jobs=jobs, artifacts={2: ["Coverage-Report"]})
    assert (found.failed_in_row, found.build_failed_in_row, found.coverage_missing_in_row) == (2, 1, 2)


def test_artifacts_of_runs_that_are_not_known_do_not_count() -> None:
    runs = [run(number) for number in (4, 3, 2, 1)]
    assert measure(*runs, artifacts={4: ["a"], 3: ["a"]}).artifact_rate == 50.0
    assert measure(*runs, artifacts={4: ["a"], 3: ["a"]}, known_from=3).artifact_rate == 100.0


def test_tests_that_failed_or_broke_are_a_share_of_all() -> None:
    counts = Counts(tests=40, failures=2, errors=1, skipped=5, seconds=1.0)
    assert measure(tests=counts).test_failure_rate == 7.5
    assert measure(tests=Counts(tests=0, failures=0, errors=0, skipped=0, seconds=0.0)).test_failure_rate is None


@given(st.lists(st.sampled_from(CONCLUSIONS), max_size=30))
def test_shares_and_rows_stay_within_what_there_is(conclusions: list[str | None]) -> None:
    found = measure(*(run(number, conclusion) for number, conclusion in enumerate(conclusions)))
    assert 0 <= found.failed_in_row <= found.runs <= len(conclusions)
    assert found.pass_rate is None or 0 <= found.pass_rate <= 100
    assert (found.pass_rate is None) == (found.runs == 0)


@pytest.mark.parametrize(("name", "like"), [("coverage-report", True), ("COVERAGE", True), ("logs", False)])
def test_names_are_compared_in_any_case(name: str, like: bool) -> None:
    assert _ci_metrics.like(name, NAMES.coverage) is like
