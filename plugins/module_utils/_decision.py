# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decision matrix says to a severity and an issue (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import (
    APPROVALS,
    DECISIONS,
    ESCALATION,
    ISSUES,
    MATRIX,
    SEVERITIES,
    TIERS,
    UNNAMED,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_MEND = "Correct _decision_matrix.py."


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer to one question, or a row of the matrix.

    :param severity: as it was asked for (``P1`` or ``high``); of a row, one of ``SEVERITIES``.
    :param issue: as it was asked for; of a row, an issue or a group of them.
    :param tiers: those that are allowed, the advised one first; none where nothing is to be rolled back.
    :param within: seconds until it should be done; None where there is no hurry.
    :param approval: one of ``APPROVALS``.
    :param sources: numbers of the documents that say so.
    :param row: the row that answers.
    """

    severity: str
    issue: str
    decision: str
    action: str
    tiers: tuple[int | str, ...]
    within: int | None
    target: str
    approval: str
    sources: tuple[str, ...]
    note: str
    row: str = ""

    def subject(self) -> str:
        """Name the question for a person."""
        return f"{self.severity}/{self.issue}"

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types, with what follows from it."""
        approval = APPROVALS[self.approval]
        return {
            **asdict(self),
            "tiers": list(self.tiers),
            "sources": list(self.sources),
            "tier": self.tiers[0] if self.tiers else None,
            "approver": approval["who"],
            "asked": approval["asked"],
            "command": self._command(),
        }

    def _command(self) -> str | None:
        if not self.tiers:
            return None
        playbook, variables = TIERS[self.tiers[0]]
        approved = " -e approved_by=NAME" if APPROVALS[self.approval]["asked"] else ""
        return f"ansible-playbook {playbook} {variables} -e severity={self.severity} -e issue={self.issue}{approved}"


def parse(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Decision]:
    """Read a matrix strictly.

    :raises RollbackError: for an unknown word, for two rows that answer the same question, and for one that none does.
    """
    groups = {issue["group"] for issue in ISSUES.values()}
    found: dict[tuple[str, str], Decision] = {}
    for raw in rows:
        row = _row(raw, groups)
        key = (row.severity, row.issue)
        if key in found:
            raise RollbackError(f"the matrix contradicts itself: two rows for {row.subject()}", _MEND)
        found[key] = replace(row, row=row.subject())
    holes = [
        f"{severity}/{group}" for severity in SEVERITIES for group in sorted(groups) if (severity, group) not in found
    ]
    if holes:
        raise RollbackError(f"the matrix has no row for {', '.join(holes)}", _MEND)
    return found


def _row(raw: Mapping[str, Any], groups: set[str]) -> Decision:
    keys = {field.name for field in fields(Decision)} - {"row"}
    if set(raw) != keys:
        raise RollbackError(f"a row of the matrix has not exactly the keys {', '.join(sorted(keys))}: {raw}", _MEND)
    row = Decision(**{**raw, "tiers": tuple(raw["tiers"]), "sources": tuple(raw["sources"])})
    known = {
        "severity": row.severity in SEVERITIES,
        "issue": row.issue in ISSUES or row.issue in groups,
        "decision": row.decision in DECISIONS,
        "action": bool(row.action),
        "tiers": set(row.tiers) <= set(TIERS) and bool(row.tiers) == (row.decision in ("roll back", "fix forward")),
        "within": row.within is None or (isinstance(row.within, int) and row.within > 0),
        "target": bool(row.target),
        "approval": row.approval in APPROVALS,
        "sources": bool(row.sources) and set(row.sources) <= {"000", "001", "003", "004"},
        "note": isinstance(row.note, str),
    }
    if wrong := [name for name, right in known.items() if not right]:
        raise RollbackError(f"row {row.subject()} of the matrix is wrong in {', '.join(wrong)}", _MEND)
    return row


@cache
def matrix() -> dict[tuple[str, str], Decision]:
    """Return the matrix by severity and issue or group."""
    return parse(MATRIX)


def ranked(severity: str) -> str:
    """Return the severity that a name such as ``P1`` stands for, or raise."""
    for name, others in SEVERITIES.items():
        if severity == name or severity in others:
            return name
    names = [word for name, others in SEVERITIES.items() if name != "none" for word in (*others, name)]
    raise RollbackError(f"there is no severity {severity!r:.60}", f"Known: {', '.join(names)}.")


def decide(severity: str | None = None, issue: str | None = None, *, about: str = "service") -> Decision:
    """Answer one question; every combination of what is known has exactly one answer.

    :param severity: without it, the one that the documents give the issue.
    :param issue: without it, anything that is not named.
    :param about: ``service`` or ``ci``, where no issue is given.
    """
    if severity is None and issue is None:
        raise RollbackError(
            "neither severity nor issue is given", "Add -e severity=P1, -e issue=high_error_rate or both."
        )
    issue = UNNAMED[about] if issue is None else issue
    if issue not in ISSUES:
        raise RollbackError(f"there is no issue {issue!r:.60}", f"Known: {', '.join(ISSUES)}.")
    severity = ISSUES[issue]["severity"] if severity is None else severity
    rank, rows = ranked(severity), matrix()
    row = rows.get((rank, issue)) or rows[rank, ISSUES[issue]["group"]]
    return replace(row, severity=severity, issue=issue)


def usual_escalation(
    decided: Mapping[str, Any] | None, about: str, path: Sequence[Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return whom to call in a run's case, as for an issue that is not named where nothing was stated.

    :param decided: what is recorded of the decision.
    :param about: ``service`` or ``ci``.
    """
    stated = decided if decided and "row" in decided else {"severity": None, "issue": UNNAMED[about]}
    return escalation(decide(stated["severity"], stated["issue"]), path)


def escalation(decision: Decision, path: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return whom to call, in order.

    :param path: the site's own path in place of the documents'; it holds for everything.
    """
    if path is not None:
        return [_contact(entry) for entry in path]
    group, rank = ISSUES[decision.issue]["group"], ranked(decision.severity)
    return [_contact(each) for each in ESCALATION if group in each["about"] and rank in each["severities"]]


def _contact(raw: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("role", "contact", "response", "authority")
    if not isinstance(raw, Mapping) or not raw.get("role") or not set(raw) <= {*keys, "about", "severities", "note"}:
        raise RollbackError(
            f"an entry of rollback_escalation is malformed: {raw!r:.120}",
            "Give each a role, and contact, response (seconds) and authority where they are known.",
        )
    return {
        "role": raw["role"],
        "contact": raw.get("contact") or "",
        "response": raw.get("response"),
        "authority": raw.get("authority") or "",
    }
