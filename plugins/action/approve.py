# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the name of who approves a run, checks it, and notes it with the run.

It must run on the controller, as ``launch`` does: a target has no say in who may approve.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.tiered.rollback.plugins.module_utils import _enforcement, _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


class ActionModule(ActionBase):
    """Action plugin of ``tiered.rollback.approve``."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what ``launch`` did, with who has approved."""
        super().run(tmp, task_vars)
        arguments = self._task.args
        given, run = arguments["launch"]["given"], arguments["launch"]["run"]
        decision = run["decision"]
        approvers = arguments.get("approvers") or {}
        try:
            if not str(arguments["name"]).strip():
                raise _enforcement.missing(decision, approvers)
            name = _names.person(arguments["name"])
            _enforcement.check_approver(decision, name, approvers)
        except RollbackError as error:
            raise AnsibleActionFail(str(error)) from error
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        approved = {"approved_by": name, "approval_seconds": arguments["seconds"], "approved_at": at}
        return {"changed": False, "given": given, "run": {**run, "decision": {**decision, **approved}}}
