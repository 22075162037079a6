# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows of AWX, one for each tier, with an approval node where the decision matrix asks somebody (pure).

A tier for which it asks nobody has nothing before the rollback: an emergency waits for nothing. Elsewhere the playbook
runs in check mode first, which refuses bad input before anybody is asked and shows the approver what would be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _enforcement
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import APPROVALS, SEVERITIES, TIERS

#: Nobody remembers after a day what was to be approved.
_LONGEST_APPROVAL = 24 * 3600
#: What proves afterwards that all is well.
_PROOF: Mapping[Any, str] = {"ci": "ci-status"}


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What a tier's approval node says.

    :param levels: who approves, by severity.
    :param timeout: seconds after which nobody's answer is a refusal.
    """

    levels: Mapping[str, str]
    timeout: int

    def description(self) -> str:
        """Say who has to agree."""
        return "; ".join(f"{'/'.join((*SEVERITIES[name], name))}: {who}" for name, who in self.levels.items())


def approval(tier: Any, timeout: int | None = None) -> Approval | None:
    """Return what the decision matrix asks for a tier; None where it asks nobody."""
    rows = [row for row in _decision.matrix().values() if tier in row.tiers and APPROVALS[row.approval]["asked"]]
    if not rows:
        return None
    levels = {row.severity: str(APPROVALS[row.approval]["who"]) for row in rows}
    soonest = min([row.within for row in rows if row.within] + [_LONGEST_APPROVAL])
    return Approval(levels={name: levels[name] for name in SEVERITIES if name in levels}, timeout=timeout or soonest)


def templates(timeout: int | None = None) -> list[dict[str, Any]]:
    """Return every workflow, with its nodes as ``awx.awx.workflow_job_template_node`` takes them.

    :param timeout: seconds that approvals may take, in place of the matrix's deadlines.
    """
    return [_template(tier, playbook.removesuffix(".yml"), timeout) for tier, (playbook, _usual) in TIERS.items()]


def _template(tier: Any, runs: str, timeout: int | None) -> dict[str, Any]:
    name = "CI rollback" if tier == "ci" else f"Tier {tier} rollback"
    asked, proof = approval(tier, timeout), _PROOF.get(tier, "verify")
    # Each node comes after those that it leads to.
    nodes: list[dict[str, Any]] = [{"identifier": "verify", "runs": proof, "success": []}]
    if asked is None:
        nodes.append({"identifier": "run", "runs": runs, "success": ["verify"]})
    else:
        given = {"approved_by": _enforcement.IN_AWX}
        node = {"name": f"Approve: {name}", "description": asked.description(), "timeout": asked.timeout}
        nodes += [
            {"identifier": "run", "runs": runs, "extra_data": given, "success": ["verify"]},
            # Links given with an approval are looked for at the approval, which has none: they come by themselves.
            {"identifier": "approve", "approval": node},
            {"identifier": "approve", "success": ["run"]},
            {"identifier": "assess", "runs": runs, "job_type": "check", "success": ["approve"]},
        ]
    described = "asks nobody" if asked is None else f"asks {asked.description()}"
    return {
        "name": name,
        "tier": tier,
        "runs": runs,
        "approved": asked is not None,
        "described": described,
        "nodes": nodes,
    }
