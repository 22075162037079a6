# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import ci_status_info
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.github import Job


def add(ci: Any, count: int, hour: int, **run: Any) -> None:
    for number in range(count):
        ci.repository.add_run(started=f"2026-11-20T{hour:02}:{number % 60:02}:00Z", **run)


@pytest.fixture
def broken(ci: Any) -> Any:
    """Good days, then three runs whose image did not build; one pull request cannot be merged for it."""
    reports = {"coverage-report": {"coverage.xml": github.COVERAGE}}
    add(ci, 20, 8, seconds=600, artifacts=reports)
    add(ci, 3, 10, seconds=60, conclusion="failure", jobs=(Job("docker-build", "failure", 50.0),))
    for name, rollup in (("blocked", "FAILURE"), ("fine", "SUCCESS")):
        ci.project.push({name: "x"}, name, branch=name)
        ci.repository.add_pull(number=len(name), head=name, base="main", title=name, rollup=rollup)
    return ci


def test_the_figures_the_limits_they_cross_and_what_the_matrix_says(broken: Any) -> None:
    found = broken.call(ci_status_info, workflows=["ci.yml"])
    assert found["changed"] is False
    figures = found["metrics"]["ci.yml"]
    assert (figures["runs"], figures["failed_in_row"], figures["build_failed_in_row"]) == (23, 3, 3)
    assert (figures["median_seconds"], figures["pass_rate"], figures["coverage"]) == (600.0, 87.0, 85.0)
    assert (figures["coverage_missing_in_row"], figures["artifact_rate"]) == (3, 100.0)
    names = [trigger["name"] for trigger in found["triggers"]]
    assert names[0] == "ci_broken"
    assert {"build_failing", "coverage_missing", "unreliable"} <= set(names)
    assert found["advice"] == {
        "severity": "critical",
        "action": "roll back at once",
        "within": 3600,
        "approver": "a single maintainer",
    }
    assert [pull["branch"] for pull in found["pull_requests"] if pull["blocked"]] == ["blocked"]


def test_what_a_fine_grained_token_may_not_read_is_told_and_the_rest_measured(broken: Any) -> None:
    broken.repository.checks_readable = False
    found = broken.call(ci_status_info, workflows=["ci.yml"])
    figures = found["metrics"]["ci.yml"]
    assert (figures["failed_in_row"], figures["coverage"], figures["build_failed_in_row"]) == (3, 85.0, 0)
    assert found["advice"]["severity"] == "critical"
    assert [pull["blocked"] for pull in found["pull_requests"]] == [False, False]
    assert "may not read checks" in found["remarks"][0]


def test_a_branch_that_is_not_there_is_no_ci_that_is_well(ci: Any) -> None:
    assert ci.call(ci_status_info)["advice"]["action"] == "nothing"
    with pytest.raises(RollbackError, match="has no branch mian"):
        ci.call(ci_status_info, github={"branch": "mian"})


def test_a_workflow_without_runs_is_told(broken: Any) -> None:
    assert broken.call(ci_status_info, workflows=["ci.yml", "cii.yml"])["remarks"] == [
        "none of the newest 100 runs on main is one of cii.yml"
    ]


def test_a_baseline_is_compared_with(broken: Any) -> None:
    baseline = {"ci.yml": {"median_seconds": 300.0, "pass_rate": 100.0}}
    found = broken.call(ci_status_info, workflows=["ci.yml"], baseline=baseline)
    slower = next(trigger for trigger in found["triggers"] if trigger["name"] == "much_slower")
    assert slower["value"] == pytest.approx(100.0)


def test_a_limit_can_be_replaced(broken: Any) -> None:
    found = broken.call(ci_status_info, workflows=["ci.yml"], limits={"ci_broken": 3})
    assert "ci_broken" not in [trigger["name"] for trigger in found["triggers"]]


def test_a_quiet_repository_calls_for_nothing(ci: Any) -> None:
    found = ci.call(ci_status_info, workflows=["ci.yml"])
    assert (found["triggers"], found["advice"]["action"]) == ([], "nothing")


def test_a_hundred_runs_take_five_requests(broken: Any) -> None:
    add(broken, 100, 12, seconds=600, artifacts={"coverage-report": {"coverage.xml": github.COVERAGE}})
    before = len(broken.github.exchanges)
    found = broken.call(ci_status_info)
    assert found["metrics"]["ci.yml"]["runs"] == 100
    assert len(broken.github.exchanges) - before <= 5


def test_runs_under_way_are_told(ci: Any) -> None:
    run = ci.repository.add_run(status="in_progress")
    assert [each["id"] for each in ci.call(ci_status_info)["in_flight"]] == [run.id]


def test_a_report_that_cannot_be_read_is_a_remark(ci: Any) -> None:
    ci.repository.add_run(artifacts={"coverage-report": {"coverage.xml": "<coverage"}})
    found = ci.call(ci_status_info)
    assert "artifact coverage-report" in found["remarks"][0]
    assert found["metrics"]["ci.yml"]["coverage"] is None


@pytest.mark.parametrize(
    ("params", "message"),
    [({"limits": {"ci_tyme": 3}}, "no trigger ci_tyme"), ({"limits": {"ci_time": "long"}}, "limits must be numbers")],
)
def test_what_is_wrong_is_named(ci: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        ci.call(ci_status_info, **params)
