# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CI goes back by every method, on a GitHub that keeps to its contract and a real git server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _ledger
from ansible_collections.tiered.rollback.tests import contract
from ansible_collections.tiered.rollback.tests.contract.fake import Outcome
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.desk import Desk
from ansible_collections.tiered.rollback.tests.support.github import BROKEN, DOCKER, LEGACY, STABLE, WORKFLOWS

CI = f"{WORKFLOWS}/ci.yml"
DOCUMENTED = Path(contract.__file__).parent / "workflows"
FLAGS = "docker-feature-flags.yml"


def test_ci_swap(desk: Desk) -> None:
    """Workflows go back to their backups, what ran is cancelled, and a dispatched run proves it."""
    busy = desk.project.repository.add_run(workflow="ci.yml", status="in_progress")
    refs = desk.project.refs()
    desk.run("ci-rollback.yml", "--check", method="swap").ok()
    assert (desk.project.refs(), busy.cancel_asked, _ledger.entries(desk.state)) == (refs, None, [])
    outcome = desk.run("ci-rollback.yml", method="swap", reason="CI is red").ok()
    assert LEGACY in (desk.project.show(CI) or "")
    assert busy.cancelled is not None
    record = desk.record()
    assert (record["outcome"], record["method"], record["reason"]) == ("succeeded", "swap", "CI is red")
    assert (record["before"], record["after"]) == (desk.project.commits[BROKEN], desk.project.head())
    assert [proof["conclusion"] for proof in record["proof"]] == ["success"]
    assert record["proof"][0]["coverage"] == 85.0
    assert [each["id"] for each in record["cancelled"]] == [busy.id]
    assert "ci_broken" in [trigger["name"] for trigger in record["triggers"]]
    kept = desk.state / "ci" / record["run"]
    assert DOCKER in (kept / "files" / CI).read_text()
    assert json.loads((kept / "manifest.json").read_text())["metrics"]["ci.yml"]["failed_in_row"] == 3
    assert record["undo"] in outcome.said
    again = desk.run("ci-rollback.yml", method="swap").ok()
    assert (desk.project.head(), again.recap["failed"]) == (record["after"], 0)
    desk.run("ci-rollback.yml", method="swap", to=record["before"], files="ci.yml")
    assert DOCKER in (desk.project.show(CI) or "")


def test_the_documents_three_workflows_go_back_to_their_backups(desk: Desk) -> None:
    """The real things: tests in Docker with caching and coverage, beside the direct ones that they replaced."""
    files = {path.name: path.read_text() for path in DOCUMENTED.iterdir() if path.suffix in (".yml", ".backup")}
    desk.project.push({f"{WORKFLOWS}/{name}": text for name, text in files.items()}, "as documented")
    desk.project.repository.outcome = lambda run: (
        Outcome("failure", 0.1) if "docker" in run.text else github.Project.outcome(run)
    )
    desk.run("ci-rollback.yml", method="swap").ok()
    names = ("ci.yml", "ci-fast.yml", "test-full.yml")
    assert [desk.project.show(f"{WORKFLOWS}/{name}") for name in names] == [files[f"{name}.backup"] for name in names]
    assert len(desk.record()["actions"]) == 4


def test_ci_feature_flag(desk: Desk) -> None:
    """The flags' workflow is run with its inputs and followed to its end; then CI is proven."""
    flagged: list[dict[str, str]] = []

    def outcome(run: Any) -> Outcome:
        if run.workflow.endswith(FLAGS):
            flagged.append(dict(run.inputs))
            return Outcome("success", 0.2)
        legacy = flagged and flagged[-1]["rollback_to_legacy"] == "true"
        text = run.text.replace(DOCKER, LEGACY) if legacy else run.text
        return github.Project.outcome(type(run)(**{**vars(run), "text": text}))

    desk.project.repository.outcome = outcome
    desk.run("ci-rollback.yml", method="feature_flag").ok()
    defaults = {"rollback_to_legacy": "true", "enable_unified_docker_tests": "false", "enable_docker_caching": "false"}
    assert flagged == [defaults]
    record = desk.record()
    assert [proof["conclusion"] for proof in record["proof"]] == ["success"]
    undo = dict(entry.split("=") for entry in record["undo"].rpartition("flags=")[2].split(","))
    assert undo == {name: {"true": "false", "false": "true"}[value] for name, value in defaults.items()}
    failed = desk.run("ci-rollback.yml", method="feature_flag", flags=undo)
    assert (failed.rc, flagged[-1]) == (2, undo)
    assert "did not succeed (failure)" in failed.said
    assert desk.record()["outcome"] == "failed"


def test_ci_revert(desk: Desk) -> None:
    """Everything since the last stable commit is reverted through a real git server, and that can be undone."""
    stable = desk.project.commits[STABLE]
    desk.run("ci-rollback.yml", "--check", method="revert", to=STABLE).ok()
    assert desk.project.head() == desk.project.commits[BROKEN]
    desk.run("ci-rollback.yml", method="revert", to=STABLE).ok()
    assert github.git(desk.project.bare, "diff", stable, "main") == ""
    assert desk.project.subjects()[0] == f'Revert "{BROKEN}"'
    record = desk.record()
    assert record["proof"][0]["conclusion"] == "success"
    undo = desk.run("ci-rollback.yml", method="revert", range=record["undo"].rpartition("range=")[2])
    # CI is broken again, which the proof says; the branch is what it was.
    assert undo.rc == 2
    assert github.git(desk.project.bare, "diff", desk.project.commits[BROKEN], "main") == ""


def test_ci_phased(desk: Desk, tmp_path: Path) -> None:
    """Phases go one by one, each proven; one that fails stops the rest, and the same command goes on."""
    plan = tmp_path / "phases.yml"
    phases = [
        {"name": "Direct pytest", "files": ["ci.yml", "ci-fast.yml", "test-full.yml"], "lacks": ["docker compose"]},
        {"name": "Docker files", "files": ["Dockerfile.test"], "to": STABLE, "validate": ["ci.yml", "test-full.yml"]},
    ]
    plan.write_text(yaml.safe_dump({"phases": phases}))
    repository = desk.project.repository
    repository.outcome = lambda run: (
        Outcome("failure", 0.1) if run.workflow.endswith("test-full.yml") else github.Project.outcome(run)
    )
    failed = desk.run("ci-rollback.yml", method="phased", plan=str(plan))
    assert failed.rc == 2
    assert "Done and kept: Direct pytest." in failed.said
    assert desk.project.subjects()[:2] == ["Roll CI back: Docker files", "Roll CI back: Direct pytest"]
    repository.outcome = github.Project.outcome
    desk.run("ci-rollback.yml", method="phased", plan=str(plan)).ok()
    assert desk.project.show("Dockerfile.test") is None
    assert len(desk.project.subjects()) == 4
    assert len(desk.record()["proof"]) == 3


@pytest.mark.parametrize("why", ["protected", "always"])
def test_phases_are_refused_where_changes_are_proposed(desk: Desk, tmp_path: Path, why: str) -> None:
    """Each builds on the one before, so nothing may go to the branch that was to wait for a review."""
    plan = tmp_path / "phases.yml"
    plan.write_text(yaml.safe_dump({"phases": [{"name": "Direct pytest", "files": ["ci.yml"]}]}))
    if why == "protected":
        desk.project.repository.protect("main")
    else:
        desk.variables = {"ci_rollback_pull_request": "always"}
    refs = desk.project.refs()
    outcome = desk.run("ci-rollback.yml", method="phased", plan=str(plan))
    assert (outcome.rc, desk.project.refs()) == (2, refs)
    assert "Use method=swap" in outcome.said


def test_ci_conflict(desk: Desk) -> None:
    """A revert that conflicts leaves everything as it was, names the files and what to do instead."""
    text = desk.project.show(CI) or ""
    desk.project.push({CI: text.replace(DOCKER, f"{DOCKER} --quiet")}, "later")
    refs = desk.project.refs()
    outcome = desk.run("ci-rollback.yml", method="revert", range=f"{STABLE}..{BROKEN}")
    assert outcome.rc == 2
    assert CI in outcome.said
    assert desk.project.refs() == refs
    assert desk.project.repository.runs[0].event != "workflow_dispatch"


def test_a_protected_branch_gets_a_pull_request_and_its_branch_is_proven(desk: Desk) -> None:
    desk.project.repository.protect("main")
    for method, more in (("swap", {}), ("revert", {"to": STABLE})):
        desk.run("ci-rollback.yml", method=method, **more).ok()
        record = desk.record()
        assert desk.project.head() == desk.project.commits[BROKEN]
        assert record["pull_request"].startswith("http")
        assert desk.project.repository.runs[0].head_branch == record["branch"]
    assert len(desk.project.repository.pulls) == 2


def test_what_cannot_be_done_stops_before_anything_is_touched(desk: Desk) -> None:
    busy = desk.project.repository.add_run(workflow="ci.yml", status="in_progress")
    refs = desk.project.refs()
    for said, given in {
        "method is not set": {},
        "unsafe or malformed": {"method": "{{ lookup('pipe', 'touch /tmp/evil') }}"},
        "no .github/workflows/nothing.yml.backup": {"method": "swap", "files": "nothing.yml"},
        "no branch, tag or commit v9": {"method": "swap", "to": "v9", "files": "ci.yml"},
        "has no commit v9": {"method": "revert", "to": "v9"},
        "no workflow docker-flags.yml": {"method": "feature_flag"},
        "cannot be read": {"method": "phased", "plan": "/no/such/file.yml"},
    }.items():
        desk.variables = {"ci_rollback_flag_workflow": "docker-flags.yml"}
        outcome = desk.run("ci-rollback.yml", **given)
        assert outcome.rc == 2, said
        assert said in outcome.said
    assert (desk.project.refs(), busy.cancel_asked, _ledger.entries(desk.state)) == (refs, None, [])


def test_a_proof_that_could_not_be_begun_is_told_and_recorded(desk: Desk) -> None:
    """The files are back by then: who did it and how to undo it must be in the ledger."""
    desk.project.github.fail("POST", r"/repos/.*/dispatches", status=502, times=1)
    outcome = desk.run("ci-rollback.yml", method="swap")
    assert outcome.rc == 2
    assert "dispatches (502)" in outcome.task("Fail where it failed")
    record = desk.record()
    assert (record["outcome"], record["after"], record["proof"]) == ("failed", desk.project.head(), [])
    assert "502" in record["error"]
    assert record["before"] in record["undo"]


def test_what_could_not_prove_it_is_refused_first(desk: Desk) -> None:
    refs = desk.project.refs()
    desk.project.repository.disable("test-full.yml")
    for said, variables in {
        "test-full.yml is to prove CI, and is disabled": {"ci_rollback_verify": ["ci.yml", "test-full.yml"]},
        "coverag": {"ci_rollback_targets": {"coverag": 80}},
    }.items():
        desk.variables = variables
        outcome = desk.run("ci-rollback.yml", method="swap")
        assert (outcome.rc, desk.project.refs()) == (2, refs)
        assert said in outcome.said


def test_a_wrong_token_is_told_and_not_shown(desk: Desk) -> None:
    desk.project.github._token = "another"
    outcome = desk.run("ci-rollback.yml", method="swap")
    assert outcome.rc == 2
    assert "wrong or has expired" in outcome.said


def test_ci_status(desk: Desk, tmp_path: Path) -> None:
    """The figures are shown and written, and serve as baseline."""
    written = tmp_path / "ci.json"
    outcome = desk.run("ci-status.yml", output=str(written)).ok()
    assert "ADVICE: roll back at once" in outcome.said
    found = json.loads(written.read_text())
    assert (found["advice"]["severity"], found["metrics"]["ci.yml"]["runs"]) == ("critical", 3)
    again = desk.run("ci-status.yml", baseline=str(written)).ok()
    assert again.recap["changed"] == 0
