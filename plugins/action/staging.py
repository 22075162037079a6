# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of ``tiered.rollback.staging``: it knows whether the drill before was killed.

The module on the target cannot see the controller's processes.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.tiered.rollback.plugins.module_utils import _run


class ActionModule(ActionBase):
    """Action plugin of ``tiered.rollback.staging``."""

    TRANSFERS_FILES = False
    MODULE = "tiered.rollback.staging"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; take over from a drill that is known to be dead."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        result = self._module(arguments, task_vars)
        if dead := _run.dead_holder(result):
            return self._module({**arguments, "dead_run": dead}, task_vars)
        return result

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(self._execute_module(module_name=self.MODULE, module_args=arguments, task_vars=task_vars))
