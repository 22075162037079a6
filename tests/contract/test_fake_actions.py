# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows and runs of the fake: refused as GitHub refuses, and real time passes."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.tiered.rollback.tests.contract.conftest import CI, TOKEN, Ask
from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub, Job, Outcome, Run
from ansible_collections.tiered.rollback.tests.support import remote

DISPATCH = "/actions/workflows/ci.yml/dispatches"


def dispatch(ask: Ask, **body: Any) -> int:
    """Begin a run and return its number."""
    said = {"ref": "main", "inputs": {"suite": "fast"}, "return_run_details": True, **body}
    found = ask("POST", DISPATCH, json=said)
    assert found.status_code == 200, found.text
    return int(found.json()["workflow_run_id"])


def follow(ask: Ask, run: int, seconds: float = 10) -> list[str]:
    """The states that a run goes through until its end."""
    seen: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and "completed" not in seen:
        status = ask("GET", f"/actions/runs/{run}").json()["status"]
        if status not in seen:
            seen.append(status)
        time.sleep(0.02)
    return seen


def test_workflows_are_the_files_of_the_default_branch(ask: Ask, bare: Path) -> None:
    def listed() -> dict[str, tuple[int, str]]:
        found = ask("GET", "/actions/workflows").json()["workflows"]
        return {each["path"].rsplit("/", 1)[1]: (each["id"], each["name"]) for each in found}

    before = listed()
    assert {name: title for name, (_id, title) in before.items()} == {
        "ci.yml": "CI",
        "lint.yaml": ".github/workflows/lint.yaml",
    }
    remote.commit(bare, {".github/workflows/ci.yml": CI.replace("name: CI", "name: Fast CI")}, "renamed")
    assert listed() == {**before, "ci.yml": (before["ci.yml"][0], "Fast CI")}
    by_number = ask("GET", f"/actions/workflows/{before['ci.yml'][0]}").json()
    assert by_number == ask("GET", "/actions/workflows/ci.yml").json()
    assert ask("GET", "/actions/workflows/ci.yml.backup").status_code == 404


def test_a_run_goes_from_queued_to_its_outcome(repo: Any, ask: Ask, bare: Path) -> None:
    seen: list[Run] = []

    def outcome(run: Run) -> Outcome:
        seen.append(run)
        jobs = (Job("test", "failure", 0.4), Job("lint", "success", 0.1))
        return Outcome("failure", 0.5, jobs, {"coverage": {"coverage.xml": "<coverage line-rate='0.85'/>"}})

    repo.outcome = outcome
    number = dispatch(ask)

    assert ask("GET", f"/actions/runs/{number}/artifacts").json()["total_count"] == 0
    seen_states = follow(ask, number)
    # A busy machine may miss one.
    assert seen_states == [each for each in ("queued", "in_progress", "completed") if each in seen_states]
    assert seen_states[-1] == "completed"
    (run,) = seen
    assert (run.workflow, run.text, run.event) == (".github/workflows/ci.yml", CI, "workflow_dispatch")
    assert (run.head_branch, run.head_sha) == ("main", remote.branches(bare)["main"])
    assert run.inputs == {"suite": "fast", "verbose": "false"}
    found = ask("GET", f"/actions/runs/{number}").json()
    assert (found["conclusion"], found["event"], found["run_number"]) == ("failure", "workflow_dispatch", 1)
    jobs = ask("GET", f"/actions/runs/{number}/jobs").json()["jobs"]
    assert {job["name"]: job["conclusion"] for job in jobs} == {"test": "failure", "lint": "success"}


def test_the_stages_of_a_run_follow_from_the_time(repo: Any) -> None:
    jobs = (Job("test", "failure", 60), Job("lint", "success", 1))
    run = repo.add_run(conclusion="failure", seconds=100, jobs=jobs, started="2026-11-20T10:00:00Z")

    def at(seconds: float) -> list[tuple[str, str | None]]:
        stages = [run.stage(run.created + seconds), *(run.job_stage(job, run.created + seconds) for job in jobs)]
        return [(stage.status, stage.conclusion) for stage in stages]

    going = ("in_progress", None)
    assert at(0.1) == [("queued", None)] * 3
    assert at(1) == [going] * 3
    assert at(2) == [going, going, ("completed", "success")]
    assert at(61) == [going, ("completed", "failure"), ("completed", "success")]
    assert at(100) == [("completed", "failure"), ("completed", "failure"), ("completed", "success")]
    run.cancel(run.created + 30, heeds=True)
    assert at(29)[0] == at(30)[0] == going
    assert at(31) == [("completed", "cancelled"), ("completed", "cancelled"), ("completed", "success")]


def test_an_artifact_is_had_from_a_storage_that_must_not_see_the_token(github: FakeGitHub, repo: Any, ask: Ask) -> None:
    repo.outcome = lambda run: Outcome(
        artifacts={"coverage": {"coverage.xml": "<coverage/>"}, "junit": {"a.xml": b"x"}}
    )
    number = dispatch(ask)
    assert ask("GET", "/actions/artifacts").json()["total_count"] == 2
    (artifact,) = ask("GET", f"/actions/runs/{number}/artifacts?name=coverage").json()["artifacts"]

    moved = ask("GET", f"/actions/artifacts/{artifact['id']}/zip")

    assert moved.status_code == 302
    data = requests.get(moved.headers["Location"], timeout=5).content
    assert zipfile.ZipFile(io.BytesIO(data)).read("coverage.xml") == b"<coverage/>"
    requests_seen = len(github.exchanges)
    requests.get(moved.headers["Location"], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    assert len(github.exchanges) == requests_seen
    (violation,) = github.violations
    assert "Authorization" in violation
    assert TOKEN not in violation
    github.violations.clear()


def test_an_older_github_names_no_run(github: FakeGitHub, repo: Any, ask: Ask) -> None:
    said = {"ref": "main", "inputs": {"suite": "fast"}}
    assert ask("POST", DISPATCH, json=said).status_code == 204
    github.run_details = False
    assert ask("POST", DISPATCH, json={**said, "return_run_details": True}).status_code == 204
    assert [run["run_number"] for run in ask("GET", "/actions/runs").json()["workflow_runs"]] == [2, 1]


def test_a_list_may_lag_behind(repo: Any, ask: Ask) -> None:
    repo.listed_after = 3600
    number = dispatch(ask)
    assert ask("GET", "/actions/runs").json()["total_count"] == 0
    assert ask("GET", "/actions/workflows/ci.yml/runs").json()["total_count"] == 0
    assert ask("GET", f"/actions/runs/{number}").status_code == 200
    repo.listed_after = 0
    assert [run["id"] for run in ask("GET", "/actions/runs").json()["workflow_runs"]] == [number]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"ref": "nowhere"}, 422, "No ref found for: nowhere"),
        ({"inputs": {}}, 422, "Required input 'suite' not provided"),
        ({"inputs": {"suite": "fast", "foo": "1"}}, 422, 'Unexpected inputs provided: ["foo"]'),
        (
            {"inputs": {"suite": "slow"}},
            422,
            "Provided value 'slow' for input 'suite' not in the list of allowed values",
        ),
    ],
)
def test_a_dispatch_that_does_not_fit_is_refused(
    repo: Any, ask: Ask, body: dict[str, Any], status: int, message: str
) -> None:
    found = ask("POST", DISPATCH, json={"ref": "main", "inputs": {"suite": "fast"}, **body})
    assert (found.status_code, found.json()["message"]) == (status, message)
    assert repo.runs == []


def test_a_dispatch_of_a_workflow_that_cannot_be_is_refused(repo: Any, ask: Ask, bare: Path) -> None:
    def refused(workflow: str, ref: str = "main") -> tuple[int, str]:
        found = ask("POST", f"/actions/workflows/{workflow}/dispatches", json={"ref": ref})
        return found.status_code, found.json()["message"]

    remote.commit(bare, {".github/workflows/ci.yml": "on: [push\n"}, "broken", "broken")
    assert refused("absent.yml") == (404, "Not Found")
    assert refused("lint.yaml") == (422, "Workflow does not have 'workflow_dispatch' trigger")
    assert refused("ci.yml", "broken")[1].startswith("failed to parse workflow")
    repo.disable("ci.yml")
    assert refused("ci.yml") == (422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    assert ask("GET", "/actions/workflows/ci.yml").json()["state"] == "disabled_manually"
    assert ask("PUT", "/actions/workflows/ci.yml/enable").status_code == 204
    dispatch(ask)
    assert ask("PUT", "/actions/workflows/ci.yml/disable").status_code == 204
    assert refused("ci.yml")[0] == 422


def test_a_workflow_runs_as_it_is_on_the_branch(repo: Any, ask: Ask, bare: Path) -> None:
    changed = CI.replace("make test", "make other")
    commit = remote.commit(bare, {".github/workflows/ci.yml": changed}, "changed", "feature/x")
    dispatch(ask, ref="feature/x")
    assert (repo.runs[0].head_branch, repo.runs[0].head_sha, repo.runs[0].text) == ("feature/x", commit, changed)


def test_a_run_is_cancelled_once(repo: Any, ask: Ask) -> None:
    run = repo.add_run(status="in_progress", jobs=(Job("test", seconds=60),))
    assert ask("POST", f"/actions/runs/{run.id}/cancel").status_code == 202
    again = ask("POST", f"/actions/runs/{run.id}/cancel")
    assert (again.status_code, "Cannot cancel" in again.json()["message"]) == (409, True)
    assert follow(ask, run.id)[-1] == "completed"
    assert ask("GET", f"/actions/runs/{run.id}").json()["conclusion"] == "cancelled"
    (job,) = ask("GET", f"/actions/runs/{run.id}/jobs").json()["jobs"]
    assert job["conclusion"] == "cancelled"
    assert ask("POST", f"/actions/runs/{run.id}/force-cancel").status_code == 409
    assert ask("POST", "/actions/runs/1/cancel").status_code == 404


def test_a_run_that_does_not_heed_goes_on_until_it_is_forced(repo: Any, ask: Ask) -> None:
    run = repo.add_run(status="queued")
    repo.uncancellable.add(run.id)
    assert ask("POST", f"/actions/runs/{run.id}/cancel").status_code == 202
    assert follow(ask, run.id, 0.4) == ["queued"]
    assert ask("POST", f"/actions/runs/{run.id}/force-cancel").status_code == 202
    assert follow(ask, run.id)[-1] == "completed"


def test_runs_are_filtered(repo: Any, ask: Ask, bare: Path) -> None:
    sha = remote.commit(bare, {"x": "x"}, "x", "feature")
    failed = repo.add_run(conclusion="failure", started="2026-11-18T10:00:00Z", seconds=1900)
    passed = repo.add_run(started="2026-11-19T23:59:59Z", seconds=600, branch="feature", event="pull_request")
    linted = repo.add_run(workflow="lint.yaml", started="2026-11-20T00:00:00Z", seconds=10)
    going = repo.add_run(status="in_progress", started="2026-11-20T10:00:00Z")

    def listed(query: str, path: str = "/actions/runs") -> list[int]:
        found = ask("GET", f"{path}?{query}").json()
        assert found["total_count"] == len(found["workflow_runs"])
        return [run["id"] for run in found["workflow_runs"]]

    assert listed("") == [going.id, linted.id, passed.id, failed.id]
    assert listed("", "/actions/workflows/ci.yml/runs") == [going.id, passed.id, failed.id]
    assert listed("branch=feature") == listed(f"head_sha={sha}") == listed("event=pull_request") == [passed.id]
    assert listed("status=failure") == [failed.id]
    assert listed("status=in_progress") == [going.id]
    assert listed("status=completed") == [linted.id, passed.id, failed.id]
    assert listed("created=>=2026-11-20") == [going.id, linted.id]
    assert listed("created=<=2026-11-19") == [passed.id, failed.id]
    assert listed("created=2026-11-18..2026-11-19") == [passed.id, failed.id]
    assert listed("created=>2026-11-20T00:00:00Z") == [going.id]
    assert listed("created=*..2026-11-18") == [failed.id]
    first = ask("GET", f"/actions/runs/{failed.id}").json()
    assert (first["run_started_at"], first["updated_at"]) == ("2026-11-18T10:00:00Z", "2026-11-18T10:31:40Z")
