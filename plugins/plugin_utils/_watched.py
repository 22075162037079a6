# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module on the target, and meanwhile shows the journal that it writes there."""

from __future__ import annotations

import copy
import json
import posixpath
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.tiered.rollback.plugins.module_utils import _context
from ansible_collections.tiered.rollback.plugins.plugin_utils import _told
from ansible_collections.tiered.rollback.plugins.plugin_utils._follow import Follower

#: Connections that run any number of commands side by side.
_PARALLEL = ("local", "ssh")


class WatchedAction(ActionBase):
    """Base of the action plugins whose module works on a stack for a while.

    Each names its module, and the journal below the stack's state directory.
    """

    TRANSFERS_FILES = False
    MODULE: str
    JOURNAL: str

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and follow it."""
        super().run(tmp, task_vars)
        return self._attempt(dict(self._task.args), task_vars)

    def _attempt(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module once; for those that may have to run it again to override."""
        return self._module(arguments, task_vars)

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        # What the module will refuse may be anything; there is nothing to follow then.
        run, stack = arguments.get("run"), arguments.get("stack")
        if not (isinstance(run, dict) and isinstance(stack, dict) and "name" in stack and "started" in run):
            return self._execute(arguments, task_vars)
        journal = posixpath.join(str(arguments.get("state_dir", _context.STATE_DIR)), str(stack["name"]), self.JOURNAL)
        show = _shower(str((task_vars or {}).get("inventory_hostname", "")), str(run["started"]))
        follower = Follower(str(run.get("id")), self._reader(journal), show)
        if self._task.check_mode or self._connection.transport not in _PARALLEL:
            result = self._execute(arguments, task_vars)
        else:
            with follower:
                result = self._execute(arguments, task_vars)
        follower.tell_rest(result)
        return result

    def _execute(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(self._execute_module(module_name=self.MODULE, module_args=arguments, task_vars=task_vars))

    def _reader(self, path: str) -> Callable[[], Mapping[str, Any] | None]:
        # Of its own connection and become plugin: both keep what they wait for in themselves.
        twin = copy.copy(self)
        twin._connection = copy.copy(self._connection)
        if twin._connection.become is not None:
            twin._connection.set_become_plugin(copy.copy(twin._connection.become))

        def read() -> Mapping[str, Any] | None:
            try:
                answer = twin._low_level_execute_command(f"cat {shlex.quote(path)}")
                return dict(json.loads(answer["stdout"])) if answer["rc"] == 0 else None
            except (AnsibleError, OSError, ValueError):
                return None

        return read


def _shower(host: str, started: str) -> Callable[..., None]:
    begun = datetime.fromisoformat(started)

    def show(text: str, budget: int | None = None, *, detail: bool = False) -> None:
        elapsed = (datetime.now(UTC) - begun).total_seconds()
        # Over the line that counts on a terminal; the next tick draws that one again.
        erase = "\r\x1b[K" if sys.stdout.isatty() else ""
        told = f"       {text}" if detail else _told.line(elapsed, budget, "...", f"{host}: {text}")
        Display().display(erase + told, color=C.COLOR_VERBOSE if detail else None)

    return show
