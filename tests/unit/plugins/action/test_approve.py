# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.tiered.rollback.plugins.action import approve
from ansible_collections.tiered.rollback.plugins.module_utils import _enforcement

APPROVERS = {"team_lead": ["alice", "bob"]}


@pytest.fixture
def answer(make: Callable[..., Any], build: Any) -> Callable[[str], dict[str, Any]]:
    """Answer the question of a run that waits for the team lead."""

    def answered(name: str) -> dict[str, Any]:
        decision = _enforcement.enforce({"severity": "P1"}, "2", "olga", APPROVERS)
        run = build.run(1, decision=decision).to_dict()
        launch = {"changed": False, "given": {"severity": "P1"}, "question": "Who?", "run": run, "warnings": ["once"]}
        args = {"launch": launch, "name": name, "seconds": 12, "approvers": APPROVERS}
        found = make(approve.ActionModule, args, dict).run(task_vars={})
        return dict(found)

    return answered


def test_who_approves_is_noted_with_the_run(answer: Any, build: Any) -> None:
    found = answer("alice")
    assert (found["run"]["decision"]["approved_by"], found["run"]["decision"]["approval_seconds"]) == ("alice", 12)
    assert found["run"]["id"] == build.run(1).id
    assert (set(found), found["given"]) == ({"changed", "given", "run"}, {"severity": "P1"})
    assert not _enforcement.waiting(found["run"]["decision"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"nobody has approved: P1/other.*\(alice, bob\).*\nHINT: Add -e approved_by=NAME"),
        ("  ", "nobody has approved"),
        ("mallory", "mallory may not approve"),
        ("{{ lookup('pipe', 'id') }}", "the name of who approves has an unsafe or malformed value"),
    ],
)
def test_nobody_and_who_may_not_are_refused(answer: Any, name: str, message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        answer(name)
