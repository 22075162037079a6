# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a run take over the lock of one that was killed on this controller.

The module on the target cannot see the controller's processes; this side can.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.tiered.rollback.plugins.module_utils import _run


class ActionModule(ActionBase):
    """Action plugin of ``tiered.rollback.rollback_begin``."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module without waiting; take a held lock over from a dead run, or wait for a live one."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        result = self._module({**arguments, "lock_wait": 0}, task_vars)
        if not (result.get("failed") and "lock_holder" in result):
            return result
        holder = result["lock_holder"]
        if holder and _run.known_dead(_run.from_dict(holder)):
            return self._module({**arguments, "dead_run": holder["id"]}, task_vars)
        return self._module(arguments, task_vars)

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(
            self._execute_module(
                module_name="tiered.rollback.rollback_begin", module_args=arguments, task_vars=task_vars
            )
        )
