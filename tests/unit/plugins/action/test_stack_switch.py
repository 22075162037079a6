# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible_collections.tiered.rollback.plugins.action import stack_switch

ELSEWHERE = "00000000-0000-0000-0000-000000000000"


def _begin(*answers: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the action with scripted answers of the module; return its result and each call's arguments."""
    calls: list[dict[str, Any]] = []
    script = list(answers)

    def execute(module_args: dict[str, Any], **_: Any) -> dict[str, Any]:
        calls.append(module_args)
        return script.pop(0)

    action = stack_switch.ActionModule(
        task=MagicMock(async_val=0, check_mode=False, args={"version": "v0.9.0", "lock_wait": 30}),
        connection=MagicMock(transport="local"),
        play_context=MagicMock(check_mode=False),
        loader=MagicMock(),
        templar=MagicMock(),
        shared_loader_obj=MagicMock(),
    )
    action._execute_module = execute
    return action.run(task_vars={}), calls


def _held(holder: dict[str, Any] | None) -> dict[str, Any]:
    return {"failed": True, "msg": "another run holds this stack", "lock_holder": holder}


@pytest.mark.parametrize("answer", [{"changed": True}, {"failed": True, "msg": "no restore point for v7"}])
def test_where_the_lock_is_free_one_call_is_all(answer: dict[str, Any]) -> None:
    result, calls = _begin(answer)
    assert result == answer
    assert [call["lock_wait"] for call in calls] == [0]


@pytest.mark.parametrize("dead", [{"pid": 2**22 + 1}, {"pid_started": 1}])
def test_the_lock_of_a_run_that_died_on_this_controller_is_taken_over(build: Any, dead: dict[str, Any]) -> None:
    holder = build.run(7, **dead)
    result, calls = _begin(_held(holder.to_dict()), {"changed": True})
    assert result == {"changed": True}
    assert calls[1]["dead_run"] == holder.id


@pytest.mark.parametrize("change", [{}, {"boot": ELSEWHERE, "pid_started": 1}])
def test_a_run_that_lives_or_may_live_is_waited_for_and_never_taken_over(build: Any, change: dict[str, Any]) -> None:
    _result, calls = _begin(_held(build.run(7, **change).to_dict()), _held(None))
    assert calls[1] == {"version": "v0.9.0", "lock_wait": 30}


def test_a_module_that_has_just_begun_is_waited_for() -> None:
    result, calls = _begin(_held(None), {"changed": True})
    assert result == {"changed": True}
    assert calls[1] == {"version": "v0.9.0", "lock_wait": 30}
