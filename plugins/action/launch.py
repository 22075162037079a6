# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what was given at launch before any template sees it, and says who runs what.

It must run on the controller: only there are the raw extra variables, the process and the user known.
"""

from __future__ import annotations

import getpass
import os
import platform
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import (
    check_mutually_exclusive,
    check_required_by,
    check_required_one_of,
)
from ansible.plugins.action import ActionBase
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _accepted,
    _decision,
    _enforcement,
    _names,
    _run,
    _stages,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Playbooks that are about CI, and about no service.
_OF_CI = ("ci-rollback.yml", "recover-forward.yml", "ci-status.yml")


class ActionModule(ActionBase):
    """Action plugin of ``tiered.rollback.launch``."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the checked launch variables and the run's identity."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = self._task.args
        required = list(arguments.get("required") or [])
        tier = arguments.get("tier")
        try:
            # task_vars hold extra variables as they were written; reading them evaluates nothing.
            given = {**variables, **_requested(arguments, variables)}
            values = _names.launch_values(given, _accepted.accepted(arguments))
        except RollbackError as error:
            raise AnsibleActionFail(str(error)) from error
        missing = [name for name in required if name not in values]
        if missing:
            raise AnsibleActionFail(
                f"{', '.join(missing)} is not set\nHINT: Add -e {missing[0]}=..., for example "
                f"-e {missing[0]}=v0.9.0 or -e {missing[0]}=previous; status.yml lists what is at hand."
            )
        try:
            check_required_one_of(arguments.get("required_one_of") or [], values)
            check_mutually_exclusive(arguments.get("mutually_exclusive") or [], values)
            check_required_by(arguments.get("required_by") or {}, values)
        except TypeError as error:
            raise AnsibleActionFail(f"{error}\nHINT: The playbook's first lines show how it is called.") from error
        launch: dict[str, Any] = {"changed": False, "given": values}
        try:
            run = identity(variables, str(arguments["playbook"]), values)
            decision = self._decision(run, str(tier), values, variables) if tier else _decided(run.playbook, variables)
        except RollbackError as error:
            raise AnsibleActionFail(str(error)) from error
        if _enforcement.waiting(decision) and not self._task.check_mode:
            launch["question"] = _enforcement.question(decision or {}, self._approvers(variables))
        about = "ci" if run.playbook in _OF_CI else "service"
        escalation, warnings = self._escalation(decision, about, variables.get("rollback_escalation"))
        launch["run"] = replace(run, decision=decision, escalation=escalation).to_dict()
        return {**launch, "warnings": warnings}

    def _escalation(
        self, decision: dict[str, Any] | None, about: str, configured: Any
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return whom to call; a path that is wrong stands in nobody's way."""
        try:
            path = self._templar.template(configured) if configured else None
            return _decision.usual_escalation(decision, about, path), []
        except RollbackError as error:
            return _decision.usual_escalation(decision, about), [f"the documents' escalation path is used: {error}"]

    def _decision(
        self, run: _run.Run, tier: str, values: dict[str, str], variables: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return what the matrix says, after it has let the playbook run."""
        if not any(name in values for name in _enforcement.VARIABLES):
            return None
        approvers = self._approvers(variables)
        stack = variables.get("rollback_stack")
        # A stack that is itself a template cannot be looked into here, and counts as one with databases.
        databases = not isinstance(stack, dict) or bool(stack.get("postgres") or stack.get("sqlite"))
        found = _enforcement.enforce(values, tier, run.user, approvers, databases=databases)
        # In an emergency nobody sits and waits at a prompt: the name comes with the command.
        if tier == "1" and found and _enforcement.waiting(found) and not self._task.check_mode:
            raise _enforcement.missing(found, approvers)
        return found

    def _approvers(self, variables: dict[str, Any]) -> Any:
        configured = variables.get("rollback_approvers")
        return self._templar.template(configured) if configured else {}


def _requested(arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """Return what a rulebook says at launch, in one variable: each in its own, it would make a number of 1.10."""
    name = arguments.get("request")
    found = variables.get(name) if name else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RollbackError(f"{name} is no dictionary", "A rulebook passes what the filter rollback_request returns.")
    return found


def identity(variables: dict[str, Any], playbook: str, values: dict[str, str]) -> _run.Run:
    """Return a new run; in AWX the user is the one who launched the job, and the reason names the job."""
    started = datetime.now(UTC)
    user = variables.get("awx_user_name") or variables.get("tower_user_name") or getpass.getuser()
    pid, stated = os.getppid(), _stages.stated(values, started)
    return _run.Run(
        id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        started=started.isoformat(timespec="milliseconds"),
        user=_plain(str(user)),
        host=platform.node(),
        boot=_run.boot_id(),
        pid=pid,
        pid_started=_run.process_started(pid) or 0,
        playbook=playbook,
        reason=values.get("reason", ""),
        began_at=stated.get("began_at"),
        detected_at=stated.get("detected_at"),
    )


def _decided(playbook: str, variables: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was decided of the run that this one is a phase of."""
    # A launch that failed has registered no run.
    before = (variables.get("rollback_launch") or {}).get("run")
    return before["decision"] if before and before["playbook"] == playbook else None


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character in "._@-")[:60] or "unknown"
