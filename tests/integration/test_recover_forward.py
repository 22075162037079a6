# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixes go to a branch of their own, one by one, each validated and proven before the next."""

from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.desk import Desk
from ansible_collections.tiered.rollback.tests.support.github import DOCKER, LEGACY, WORKFLOWS

CI = f"{WORKFLOWS}/ci.yml"


@pytest.fixture
def fixes(desk: Desk) -> list[str]:
    """Two fixes on a branch of a developer: the first mends CI, the second is about something else."""
    text = desk.project.show(CI) or ""
    first = desk.project.push({CI: text.replace(DOCKER, LEGACY)}, "Mend CI", branch="work")
    github.git(desk.project.clone, "checkout", "-q", "work")
    (desk.project.clone / "notes").write_text("x\n")
    github.git(desk.project.clone, "add", "-A")
    github.git(desk.project.clone, "commit", "-q", "-m", "Take notes")
    github.git(desk.project.clone, "push", "-q", "origin", "work")
    return [first, github.git(desk.project.clone, "rev-parse", "HEAD")]


def test_each_fix_is_validated_pushed_and_proven_and_the_branch_is_proposed(desk: Desk, fixes: list[str]) -> None:
    desk.variables = {"recover_forward_validate": [["test", "-f", CI]]}
    refs = desk.project.refs()
    desk.run("recover-forward.yml", "--check", commits=",".join(fixes), branch="fix-ci").ok()
    assert desk.project.refs() == refs
    desk.run("recover-forward.yml", commits=",".join(fixes), branch="fix-ci").ok()
    assert desk.project.subjects("fix-ci")[:2] == ["Take notes", "Mend CI"]
    assert [run.head_branch for run in desk.project.repository.runs[:2]] == ["fix-ci", "fix-ci"]
    (pull,) = desk.project.repository.pulls.values()
    assert (pull.head, pull.base) == ("fix-ci", "main")
    record = desk.record()
    assert (record["method"], record["outcome"], len(record["proof"])) == ("forward", "succeeded", 2)
    head = desk.project.head("fix-ci")
    desk.run("recover-forward.yml", commits=",".join(fixes), branch="fix-ci").ok()
    assert (desk.project.head("fix-ci"), len(desk.project.repository.pulls)) == (head, 1)


def test_a_fix_that_ci_does_not_like_stops_the_rest(desk: Desk, fixes: list[str]) -> None:
    outcome = desk.run("recover-forward.yml", commits=",".join(reversed(fixes)), branch="fix-ci")
    assert outcome.rc == 2
    assert "Proven and kept on fix-ci: none." in outcome.said
    assert desk.project.subjects("fix-ci")[0] == "Take notes"
    assert not desk.project.repository.pulls
    assert desk.record()["outcome"] == "failed"


def test_a_fix_that_a_command_refuses_is_not_pushed(desk: Desk, fixes: list[str]) -> None:
    desk.variables = {"recover_forward_validate": [["test", "!", "-f", "notes"]]}
    outcome = desk.run("recover-forward.yml", commits=",".join(fixes), branch="fix-ci")
    assert outcome.rc == 2
    assert f"Proven and kept on fix-ci: {fixes[0]}." in outcome.said
    assert desk.project.subjects("fix-ci")[0] == "Mend CI"


def test_no_fix_and_an_unknown_one_are_told(desk: Desk) -> None:
    refs = desk.project.refs()
    assert "No fix is named" in desk.run("recover-forward.yml").said
    assert "0123456" in desk.run("recover-forward.yml", commits="0123456789").said
    assert desk.project.refs() == refs
