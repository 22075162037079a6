# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import github_workflow_dispatch
from ansible_collections.tiered.rollback.tests.support import github

FLAGS = {"rollback_to_legacy": True, "enable_docker_caching": False}


def test_a_run_is_started_with_inputs_and_followed_to_its_end(ci: Any) -> None:
    done = ci.call(github_workflow_dispatch, workflow="docker-feature-flags.yml", inputs=FLAGS)
    (run,) = ci.repository.runs
    # GitHub fills in the defaults of the others.
    assert run.inputs == {
        "rollback_to_legacy": "true",
        "enable_docker_caching": "false",
        "enable_unified_docker_tests": "false",
    }
    assert (done["changed"], done["run"]["id"], done["run"]["conclusion"]) == (True, run.id, "success")
    assert done["run"]["file"] == "docker-feature-flags.yml"
    assert "node_id" not in done["run"]


def test_check_mode_says_the_same_and_starts_nothing(ci: Any) -> None:
    foretold = ci.call(github_workflow_dispatch, workflow="docker-feature-flags.yml", inputs=FLAGS, check_mode=True)
    assert not ci.repository.runs
    done = ci.call(github_workflow_dispatch, workflow="docker-feature-flags.yml", inputs=FLAGS)
    assert {**foretold, "run": None} == {**done, "run": None}
    assert "rollback_to_legacy=true" in done["actions"][0]


def test_without_an_id_in_the_answer_it_is_the_run_that_was_not_there_before(ci: Any) -> None:
    ci.github.run_details = False
    earlier = ci.repository.add_run(workflow="docker-feature-flags.yml", event="workflow_dispatch")
    done = ci.call(github_workflow_dispatch, workflow="docker-feature-flags.yml", inputs=FLAGS)
    assert done["run"]["id"] != earlier.id
    assert done["run"]["id"] in [run.id for run in ci.repository.runs]


def test_a_run_that_fails_is_a_failure_that_names_the_job_and_the_log(ci: Any) -> None:
    with pytest.raises(
        RollbackError, match=r"ci\.yml run \d+ on main \(failure\) did not succeed: docker-build"
    ) as caught:
        ci.call(github_workflow_dispatch, workflow="ci.yml")
    assert str(ci.repository.runs[0].id) in caught.value.hint
    assert caught.value.facts["run"]["conclusion"] == "failure"


def test_a_failure_is_a_result_where_that_was_asked_for(ci: Any) -> None:
    done = ci.call(github_workflow_dispatch, workflow="ci.yml", must_succeed=False)
    assert done["run"]["conclusion"] == "failure"


def test_the_time_to_wait_is_bounded_and_the_run_goes_on(ci: Any) -> None:
    ci.repository.outcome = lambda run: github.Outcome("success", 3600)
    with pytest.raises(RollbackError, match="has not ended after 1 s"):
        ci.call(github_workflow_dispatch, workflow="ci.yml", timeout=1)
    assert ci.repository.runs[0].cancelled is None


def test_nobody_waits_who_does_not_want_to(ci: Any) -> None:
    ci.repository.outcome = lambda run: github.Outcome("success", 3600)
    assert ci.call(github_workflow_dispatch, workflow="ci.yml", timeout=0)["run"]["status"] in ("queued", "in_progress")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"workflow": "cy.yml"}, r"no workflow cy\.yml"),
        ({"workflow": "ci.yml", "inputs": {"fast": True}}, "fast"),
        ({"workflow": "ci.yml", "ref": "nowhere"}, "nowhere"),
        ({"workflow": "ci.yml", "ref": "a..b"}, "malformed value"),
        ({"workflow": "ci.yml", "timeout": -1}, "timeout must not be negative"),
        ({"workflow": "docker-feature-flags.yml", "inputs": {"rollback_to_legacy": []}}, "must be texts"),
        ({"workflow": "docker-feature-flags.yml", "inputs": {"rollback_to_legacy": "perhaps"}}, "rollback_to_legacy"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_is_wrong_is_said_before_anything_is_started(
    ci: Any, params: dict[str, Any], message: str, check_mode: bool
) -> None:
    with pytest.raises(RollbackError, match=message):
        ci.call(github_workflow_dispatch, check_mode=check_mode, **params)
    assert not ci.project.asked("POST", "PUT", "PATCH")


def test_a_disabled_workflow_is_refused_with_the_way_to_enable_it(ci: Any) -> None:
    ci.repository.disable("ci.yml")
    with pytest.raises(RollbackError, match="disabled_manually") as caught:
        ci.call(github_workflow_dispatch, workflow="ci.yml")
    assert "state: enabled" in caught.value.hint


def test_a_workflow_without_the_trigger_is_refused(ci: Any) -> None:
    ci.project.push({f"{github.WORKFLOWS}/ci.yml": github.workflow("ci", "pytest", "  push:\n")}, "no dispatch")
    with pytest.raises(RollbackError, match="workflow_dispatch"):
        ci.call(github_workflow_dispatch, workflow="ci.yml")
    assert not ci.project.asked("POST")
