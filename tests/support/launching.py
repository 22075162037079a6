# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of what is given at launch, without a play."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from ansible_collections.tiered.rollback.plugins.action import launch


def check(
    variables: dict[str, Any], templar: Mock | None = None, check_mode: bool = False, **arguments: Any
) -> dict[str, Any]:
    """Return what the action ``launch`` finds.

    :param variables: those of the play, as they were given.
    :param arguments: those of the task; without any it is the check of a playbook that takes nothing of its own.
    """
    task = Mock(async_val=0, check_mode=check_mode, args={"playbook": "tier1-emergency.yml", **arguments})
    action = launch.ActionModule(
        task=task,
        connection=Mock(),
        play_context=Mock(check_mode=False),
        loader=Mock(),
        templar=Mock() if templar is None else templar,
        shared_loader_obj=Mock(),
    )
    found: dict[str, Any] = action.run(task_vars=variables)
    return found
