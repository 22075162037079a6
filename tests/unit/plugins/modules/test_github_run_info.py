# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import github_run_info
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.github import Job


@pytest.fixture
def history(ci: Any) -> list[Any]:
    """A failure after a success, newest first."""
    reports = {"coverage-report": {"coverage.xml": github.COVERAGE}, "test-results": {"junit.xml": github.JUNIT}}
    jobs = (Job("test", "success", 90.0),)
    good = ci.repository.add_run(started="2026-11-20T10:00:00Z", seconds=100, jobs=jobs, artifacts=reports)
    bad = ci.repository.add_run(started="2026-11-20T11:00:00Z", seconds=50, conclusion="failure")
    return [bad, good]


def test_runs_come_with_jobs_and_artifacts_newest_first(ci: Any, history: list[Any]) -> None:
    found = ci.call(github_run_info)
    assert [run["id"] for run in found["runs"]] == [run.id for run in history]
    good = found["runs"][1]
    assert (good["conclusion"], good["seconds"], good["jobs"][0]["name"]) == ("success", 100.0, "test")
    assert good["jobs"][0]["seconds"] == 90.0
    assert set(good["artifacts"]) == {"coverage-report", "test-results"}
    assert found["reports"] == {"coverage": None, "tests": None, "remarks": ()}


def test_reports_of_a_run_are_read(ci: Any, history: list[Any]) -> None:
    reports = ci.call(github_run_info, id=history[1].id)["reports"]
    assert reports["coverage"] == 85.0
    assert (reports["tests"]["tests"], reports["tests"]["skipped"]) == (4, 1)


def test_reports_that_nobody_wants_are_not_downloaded(ci: Any, history: list[Any]) -> None:
    assert ci.call(github_run_info, id=history[1].id, reports=[])["reports"] is None
    assert not [path for path in ci.project.asked("GET") if "zip" in path]


@pytest.mark.parametrize(
    ("params", "count"),
    [({"workflow": "ci.yml"}, 2), ({"workflow": "test-full.yml"}, 0), ({"status": "failure"}, 1), ({"limit": 1}, 1)],
)
def test_only_what_matches_is_returned(ci: Any, history: list[Any], params: dict[str, Any], count: int) -> None:
    assert len(ci.call(github_run_info, **params)["runs"]) == count


def test_a_run_is_waited_for(ci: Any) -> None:
    ci.repository.outcome = lambda run: github.Outcome("success", 1.0)
    begun = ci.client().send("POST", "/actions/workflows/ci.yml/dispatches", {"ref": "main"})
    assert begun is None
    found = ci.call(github_run_info, sha=ci.project.head(), wait=20, limit=1)
    assert found["runs"][0]["conclusion"] == "success"


def test_nothing_that_matches_is_waited_for_no_longer_than_asked(ci: Any) -> None:
    assert ci.call(github_run_info, sha="0" * 40, wait=1)["runs"] == []


@pytest.mark.parametrize(
    ("params", "message"),
    [({"limit": 0}, "limit must be from 1 to 100"), ({"workflow": "cy.yml"}, "no workflow"), ({"id": 5}, "404")],
)
def test_what_is_wrong_is_named(ci: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        ci.call(github_run_info, **params)
