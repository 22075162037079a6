# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the decision matrix lets a playbook run, and whether somebody who may has approved it (pure).

What is recorded of it travels with the run into report and ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _decision
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import APPROVALS, ISSUES, TIERS
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Launch variables of every playbook that asks the matrix.
VARIABLES = ("severity", "issue", "override_reason", "approved_by")
#: Who has approved in a workflow of AWX. There a right on the workflow says who may, and AWX keeps who did; a job
#: cannot see it.
IN_AWX = "AWX approval node"
_RECORDED = ("severity", "issue", "row", "decision", "action", "tiers", "within", "approval", "sources", "note")


def enforce(
    given: Mapping[str, str], tier: str, user: str, approvers: Mapping[str, Any], *, databases: bool = True
) -> dict[str, Any] | None:
    """Ask the matrix whether a tier is allowed.

    :param given: the checked launch variables.
    :param tier: ``1``, ``2``, ``3`` or ``ci``.
    :param user: who runs the playbook.
    :param approvers: names by approval level; a level without any takes every name.
    :param databases: whether the stack describes any. Where it does not, Tier 1 does all that Tier 2 would, which
        refuses such a stack; data that is lost or corrupt is another matter.
    :returns: what is to be recorded; None where nothing was stated. Nobody has approved yet where ``asked`` is true and
        there is no ``approved_by``.
    :raises RollbackError: when the tier is not allowed and no reason to override that is given, or when somebody
        approves who may not.
    """
    stated = {name: given[name].strip() for name in ("override_reason", "approved_by") if given.get(name, "").strip()}
    if "severity" not in given and "issue" not in given:
        return stated or None
    about = "ci" if tier == "ci" else "service"
    found = _decision.decide(given.get("severity"), given.get("issue"), about=about)
    instead = not databases and tier == "1" and 2 in found.tiers and ISSUES[found.issue]["group"] == "service"
    allowed = instead or tier in [str(each) for each in found.tiers]
    if not allowed and "override_reason" not in stated:
        raise _refusal(found)
    answer = found.to_dict()
    recorded = {key: answer[key] for key in (*_RECORDED, "asked")} | {"allowed": allowed} | stated
    if found.approval == "single_maintainer":
        recorded.setdefault("approved_by", user)
    if answer["asked"] and "approved_by" in stated:
        check_approver(recorded, stated["approved_by"], approvers)
    return recorded


def waiting(recorded: Mapping[str, Any] | None) -> bool:
    """Whether somebody has to approve and nobody has."""
    return bool(recorded and recorded.get("asked") and "approved_by" not in recorded)


def question(recorded: Mapping[str, Any], approvers: Mapping[str, Any]) -> str:
    """Say what has to be approved, and by whom."""
    allowed = "" if recorded["allowed"] else f" It overrides the matrix: {recorded['override_reason']}."
    return (
        f"{recorded['severity']}/{recorded['issue']} ({recorded['action']}) needs the approval of "
        f"{_who(recorded, approvers)}.{allowed}"
    )


def missing(recorded: Mapping[str, Any], approvers: Mapping[str, Any]) -> RollbackError:
    """Return the error of a run that nobody has approved."""
    return RollbackError(f"nobody has approved: {question(recorded, approvers)}", "Add -e approved_by=NAME.")


def check_approver(recorded: Mapping[str, Any], name: str, approvers: Mapping[str, Any]) -> None:
    """Refuse a name that is not among those who may approve, where those are configured."""
    names = names_of(recorded["approval"], approvers)
    if names and name not in (*names, IN_AWX):
        raise RollbackError(
            f"{name} may not approve {recorded['severity']}/{recorded['issue']}: it needs {_who(recorded, approvers)}",
            "Have one of them approve, with -e approved_by=NAME; rollback_approvers in the inventory lists them.",
        )


def _refusal(found: _decision.Decision) -> RollbackError:
    override = "state -e override_reason=... to do it all the same"
    if not found.tiers:
        return RollbackError(
            f"the matrix says {found.action!r} for {found.subject()}, and no rollback", f"Do that, or {override}."
        )
    names = " or ".join("CI rollback" if each == "ci" else f"tier {each}" for each in found.tiers)
    playbooks = " or ".join(TIERS[each][0] for each in found.tiers)
    return RollbackError(f"the matrix says {names} for {found.subject()}", f"Use {playbooks}, or {override}.")


def _who(recorded: Mapping[str, Any], approvers: Mapping[str, Any]) -> str:
    names = names_of(recorded["approval"], approvers)
    who = str(APPROVALS[recorded["approval"]]["who"])
    return f"{who} ({', '.join(names)})" if names else who


def names_of(level: str, approvers: Mapping[str, Any]) -> list[str]:
    """Return who may approve at a level; none where that is not configured."""
    malformed = not isinstance(approvers, Mapping) or any(
        key not in APPROVALS or not isinstance(names, (list, tuple)) for key, names in approvers.items()
    )
    if malformed:
        raise RollbackError(
            "rollback_approvers is malformed", f"Give a list of names for each of {', '.join(APPROVALS)} that has some."
        )
    return [str(name) for name in approvers.get(level, ())]
