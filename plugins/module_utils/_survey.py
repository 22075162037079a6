# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys of AWX, generated from what playbooks take at launch (pure).

No question has a default: AWX would pass it to every job as an extra variable, which outranks the inventory. A playbook
knows its own defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _faults, _names
from ansible_collections.tiered.rollback.plugins.module_utils._accepted import accepted
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import ISSUES

_LONGEST = 1024
#: What is asked for each launch variable.
TEXTS: Mapping[str, str] = {
    "version": "Version, 'previous', or the id of a restore point",
    "reason": "Why, for the records",
    "run": "Id of the run to undo (without it the newest)",
    "project": "Name of the Compose project",
    "output": "File or directory to write",
    "schema_compatible": "State that the version works with the present schema",
    "keep_prepared": "Leave the restored databases, so that a rollback needs only the rename",
    "rebuild": "Build the images again from the restore point's commit",
    "days": "Days that displaced databases are kept",
    "service": "Service",
    "database": "Database of the stack",
    "sql_file": "SQL file on the target",
    "component": "Services to take back",
    "flags": "Feature flags to set",
    "backup": "Name of the copy (without it the newest)",
    "plan": "File with the phases, in the project",
    "pattern": "Pattern of the services' names",
    "snapshot": "Id of the snapshot",
    "levels": "How many snapshots back",
    "mcp": "Take the data of MCP containers back too",
    "method": "How",
    "to": "Commit, tag or branch that worked",
    "range": "Commits to revert",
    "files": "Workflow files",
    "commits": "Commits of the fix",
    "branch": "Branch to make",
    "baseline": "File that was written when all was well",
    "profile": "Checklist beside the stack's own checks",
    "minutes": "Minutes to watch",
    "skip_gates": "Gates to skip",
    "release": "Version to release from quarantine",
    "on_breach": "What to do when a limit is broken",
    "tier": "Tier",
    "kind": "Kind of run",
    "since": "Since which day",
    "verify": "Prove that no line of the ledger was changed",
    "severity": "Severity; the decision matrix is asked where it or an issue is given",
    "issue": "What is wrong",
    "override_reason": "Why a tier that the matrix does not allow is right all the same",
    "approved_by": "Who has approved",
    "metrics": "Figures that were measured",
    "began_at": "When it broke",
    "detected_at": "When that was noticed",
    "stack": "Name of the stack",
    "source": "Who noticed",
    "fault": "Fault to inject",
    "seed": "Seed of whatever is left to chance",
    "without": "Services to leave out of the copy",
    "hour": "Hour of the day",
    "minute": "Minute of the hour",
    "timezone": "Time zone",
    "canary": "Who goes first",
    "batch": "Hosts that have their turn together",
    "failures": "Share of a batch that may fail",
    "done": "What becomes of hosts that are done, where the fleet is stopped",
}
#: Words that the patterns of ``_names`` leave to those who know them.
_WORDS: Mapping[str, tuple[str, ...]] = {"issue": tuple(ISSUES), "fault": (*_faults.FAULTS, _faults.RANDOM)}


def survey(title: str, arguments: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, Any]:
    """Return the survey of a playbook.

    :param arguments: those of its task ``tiered.rollback.launch``.
    :param without: launch variables that nobody is asked for, since something else gives them.
    """
    required = arguments.get("required") or ()
    names = [name for name in accepted(arguments) if name not in without]
    return {"name": title, "description": "", "spec": [question(name, name in required) for name in names]}


def question(name: str, required: bool) -> dict[str, Any]:
    """Return the question that asks for a launch variable."""
    asked = {
        "variable": name,
        "question_name": TEXTS[name],
        "question_description": _names.allowed(name),
        "required": required,
    }
    largest, words = _names.largest(name), _WORDS.get(name) or _names.choices(name)
    if largest is not None:
        return {**asked, "type": "integer", "min": 0, "max": largest}
    if words:
        return {**asked, "type": "multiplechoice", "choices": list(words)}
    return {**asked, "type": "text", "min": 0, "max": _LONGEST}
