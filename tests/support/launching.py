# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of what is given at launch, without a play."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

from ansible_collections.tiered.rollback.plugins.action import launch


def check(
    variables: dict[str, Any], templar: MagicMock | None = None, check_mode: bool = False, **arguments: Any
) -> dict[str, Any]:
    """Return what the action ``launch`` finds.

    :param variables: those of the play, as they were given.
    :param arguments: those of the task; without any it is the check of a playbook that takes nothing of its own.
    """
    task = MagicMock(async_val=0, check_mode=check_mode, args={"playbook": "tier1-emergency.yml", **arguments})
    action = launch.ActionModule(
        task=task,
        connection=MagicMock(),
        play_context=MagicMock(check_mode=False),
        loader=MagicMock(),
        templar=MagicMock() if templar is None else templar,
        shared_loader_obj=MagicMock(),
    )
    found: dict[str, Any] = action.run(task_vars=variables)["ansible_facts"]["rollback_launch"]
    return found
