# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import ci_verify
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.github import LEGACY, STABLE, WORKFLOWS, Outcome

TARGETS = {"seconds": 900, "coverage": 80.0, "artifacts": 1}


@pytest.fixture
def mended(ci: Any) -> Any:
    """The legacy workflows are back."""
    ci.project.push({f"{WORKFLOWS}/ci.yml": ci.project.show(f"{WORKFLOWS}/ci.yml", STABLE)}, "mended")
    return ci


def test_a_run_that_reaches_every_target_is_the_proof(mended: Any) -> None:
    foretold = mended.call(ci_verify, workflow="ci.yml", targets=TARGETS, check_mode=True)
    assert not mended.repository.runs
    done = mended.call(ci_verify, workflow="ci.yml", targets=TARGETS)
    assert {**foretold, "proof": None} == {**done, "proof": None}
    proof = done["proof"]
    assert (proof["file"], proof["conclusion"], proof["coverage"]) == ("ci.yml", "success", 85.0)
    assert sorted(proof["artifacts"]) == ["coverage-report", "test-results"]


def test_a_run_that_fails_proves_nothing(ci: Any) -> None:
    with pytest.raises(RollbackError, match=r"it did not succeed \(failure\); it left no coverage report") as caught:
        ci.call(ci_verify, workflow="ci.yml", targets=TARGETS)
    assert caught.value.facts["proof"]["conclusion"] == "failure"


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"coverage": 85.5}, r"it covers 85\.0 %; at least 85\.5 %"),
        ({"artifacts": 3}, "it left 2 artifacts; at least 3"),
    ],
)
def test_a_target_that_is_missed_is_a_failure(mended: Any, change: dict[str, Any], missed: str) -> None:
    with pytest.raises(RollbackError, match=missed):
        mended.call(ci_verify, workflow="ci.yml", targets={**TARGETS, **change})


def test_a_run_that_does_not_end_proves_nothing(mended: Any) -> None:
    mended.repository.outcome = lambda run: Outcome("success", 3600.0)
    with pytest.raises(RollbackError, match=r"did not succeed \((queued|in_progress)\)"):
        mended.call(ci_verify, workflow="ci.yml", timeout=1)


def test_without_the_trigger_the_run_of_the_push_counts(ci: Any) -> None:
    ci.project.push({f"{WORKFLOWS}/ci.yml": github.workflow("ci", LEGACY, "  push:\n")}, "push only")
    run = ci.repository.add_run(workflow="ci.yml", started="2026-11-20T10:00:00Z", seconds=60)
    done = ci.call(ci_verify, workflow="ci.yml", targets={"seconds": 900, "coverage": None, "artifacts": None})
    assert (done["changed"], done["proof"]["url"].endswith(str(run.id))) == (False, True)
    assert not ci.project.asked("POST")


def test_without_the_trigger_a_run_that_failed_has_to_be_run_again_at_github(ci: Any) -> None:
    ci.project.push({f"{WORKFLOWS}/ci.yml": github.workflow("ci", LEGACY, "  push:\n")}, "push only")
    ci.repository.add_run(workflow="ci.yml", conclusion="failure")
    with pytest.raises(RollbackError, match="proves nothing") as caught:
        ci.call(ci_verify, workflow="ci.yml")
    assert "run it again there" in caught.value.hint


def test_without_the_trigger_and_without_a_push_that_starts_runs_it_says_why(ci: Any) -> None:
    ci.project.push({f"{WORKFLOWS}/ci.yml": github.workflow("ci", LEGACY, "  push:\n")}, "push only")
    with pytest.raises(RollbackError, match=r"no run of ci\.yml was started") as caught:
        ci.call(ci_verify, workflow="ci.yml", timeout=1)
    assert "GITHUB_TOKEN" in caught.value.hint


def test_words_that_must_be_gone_are_looked_for_first(mended: Any) -> None:
    with pytest.raises(RollbackError, match=r"test-full\.yml has 'docker compose'"):
        mended.call(ci_verify, workflow="ci.yml", lacks=["Docker Compose"])
    assert not mended.repository.runs
    mended.call(ci_verify, workflow="ci.yml", lacks=["podman"])


def test_another_branch_can_be_proven(mended: Any) -> None:
    mended.project.push({"x": "x"}, "proposal", branch="rollback-ci-1")
    mended.call(ci_verify, workflow="ci.yml", ref="rollback-ci-1")
    assert mended.repository.runs[0].head_branch == "rollback-ci-1"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"workflow": "cy.yml"}, "no workflow"),
        ({"workflow": "ci.yml", "timeout": 0}, "timeout must be at least 1"),
        ({"workflow": "ci.yml", "inputs": {"x": 1}}, "x"),
    ],
)
def test_what_is_wrong_is_named(ci: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        ci.call(ci_verify, **params)
    assert not ci.repository.runs
