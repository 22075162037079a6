# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of ``tiered.rollback.stack_switch``.

It takes over the lock of a run that was killed on this controller (the module on the target cannot see the
controller's processes), and shows the run's journal while the module works.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _run
from ansible_collections.tiered.rollback.plugins.plugin_utils._watched import WatchedAction


class ActionModule(WatchedAction):
    """Action plugin of ``tiered.rollback.stack_switch``."""

    MODULE = "tiered.rollback.stack_switch"
    JOURNAL = _journal.NAME

    def _attempt(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module without waiting; take a held lock over from a dead run, or wait for a live one."""
        result = self._module({**arguments, "lock_wait": 0}, task_vars)
        if not (result.get("failed") and "lock_holder" in result):
            return result
        if dead := _run.dead_holder(result):
            return self._module({**arguments, "dead_run": dead}, task_vars)
        return self._module(arguments, task_vars)
