# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from unittest.mock import MagicMock

from ansible_collections.tiered.rollback.plugins.action import restore_point_rebuild


def test_the_module_is_sent_once_with_its_own_arguments() -> None:
    action = restore_point_rebuild.ActionModule(
        task=MagicMock(async_val=0, check_mode=False, args={"version": "v0.9.0"}),
        connection=MagicMock(transport="local"),
        play_context=MagicMock(check_mode=False),
        loader=MagicMock(),
        templar=MagicMock(),
        shared_loader_obj=MagicMock(),
    )
    calls = []
    action._execute_module = lambda **named: calls.append(named) or {"changed": True}
    assert action.run(task_vars={}) == {"changed": True}
    (call,) = calls
    assert (call["module_name"], call["module_args"]) == (
        "tiered.rollback.restore_point_rebuild",
        {"version": "v0.9.0"},
    )
