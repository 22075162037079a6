# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.action import staging

ELSEWHERE = "00000000-0000-0000-0000-000000000000"


def _run(make: Callable[..., Any], *answers: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []
    script = list(answers)
    action = make(staging.ActionModule, {"state": "present"}, dict)

    def execute(module_args: dict[str, Any], **_: Any) -> dict[str, Any]:
        calls.append(module_args)
        return script.pop(0)

    action._execute_module = execute
    return action.run(task_vars={}), calls


def _held(holder: dict[str, Any]) -> dict[str, Any]:
    return {"failed": True, "msg": "a drill of this stack is under way", "lock_holder": holder}


@pytest.mark.parametrize("dead", [{"pid": 2**22 + 1}, {"pid_started": 1}])
def test_a_drill_that_was_killed_on_this_controller_is_taken_over(
    make: Callable[..., Any], build: Any, dead: dict[str, Any]
) -> None:
    holder = build.run(7, **dead)
    result, calls = _run(make, _held(holder.to_dict()), {"changed": True})
    assert result == {"changed": True}
    assert calls == [{"state": "present"}, {"state": "present", "dead_run": holder.id}]


@pytest.mark.parametrize("change", [{}, {"boot": ELSEWHERE, "pid_started": 1}])
def test_one_that_lives_or_may_live_never_is(make: Callable[..., Any], build: Any, change: dict[str, Any]) -> None:
    result, calls = _run(make, _held(build.run(7, **change).to_dict()))
    assert result["failed"] is True
    assert len(calls) == 1


@pytest.mark.parametrize("answer", [{"changed": True}, {"failed": True, "msg": "no proven restore point"}])
def test_every_other_answer_stands(make: Callable[..., Any], answer: dict[str, Any]) -> None:
    assert _run(make, answer) == (answer, [{"state": "present"}])
