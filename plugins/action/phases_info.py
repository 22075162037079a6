# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file of phases on the controller, where the person who rolls back has it."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.plugin_utils import _phases


class ActionModule(ActionBase):
    """Action plugin of ``tiered.rollback.phases_info``."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the checked phases."""
        super().run(tmp, task_vars)
        try:
            phases = _phases.load(str(self._task.args.get("path") or ""), str(self._task.args.get("kind", "stack")))
        except RollbackError as error:
            raise AnsibleActionFail(str(error)) from error
        return {"changed": False, "plan": _phases.name(phases), "phases": phases}
