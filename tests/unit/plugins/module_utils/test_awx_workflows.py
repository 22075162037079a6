# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _awx_workflows, _decision, _enforcement
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import APPROVALS, TIERS

BY_TIER = {each["tier"]: each for each in _awx_workflows.templates()}


def _node(tier: Any, identifier: str) -> dict[str, Any]:
    found = [each for each in BY_TIER[tier]["nodes"] if each["identifier"] == identifier]
    return {key: value for each in found for key, value in each.items()}


@pytest.mark.parametrize("tier", TIERS)
def test_a_workflow_asks_exactly_where_the_matrix_asks_for_its_tier(tier: Any) -> None:
    rows = [row for row in _decision.matrix().values() if tier in row.tiers]
    asks = any(APPROVALS[row.approval]["asked"] for row in rows)
    assert any("approval" in node for node in BY_TIER[tier]["nodes"]) is asks
    assert BY_TIER[tier]["approved"] is asks


def test_an_emergency_has_nothing_before_it() -> None:
    assert [node["identifier"] for node in BY_TIER[1]["nodes"]] == ["verify", "run"]


@pytest.mark.parametrize("tier", [2, 3, "ci"])
def test_elsewhere_it_is_assessed_approved_run_and_verified(tier: Any) -> None:
    way, at = [], "assess"
    while True:
        way.append(at)
        following = _node(tier, at).get("success")
        if not following:
            break
        (at,) = following
    assert way == ["assess", "approve", "run", "verify"]
    assert _node(tier, "assess")["job_type"] == "check"
    assert _node(tier, "run")["extra_data"] == {"approved_by": _enforcement.IN_AWX}
    assert "job_type" not in _node(tier, "run")


def test_each_node_comes_after_those_that_it_leads_to_and_approvals_are_made_without_links() -> None:
    for workflow in BY_TIER.values():
        made: set[str] = set()
        for node in workflow["nodes"]:
            assert set(node.get("success", ())) <= made
            assert not ("approval" in node and "success" in node)
            made.add(node["identifier"])


@pytest.mark.parametrize("tier", [2, 3, "ci"])
def test_every_approval_has_an_end(tier: Any) -> None:
    rows = [row for row in _decision.matrix().values() if tier in row.tiers and APPROVALS[row.approval]["asked"]]
    timeout = _node(tier, "approve")["approval"]["timeout"]
    assert 0 < timeout <= min(row.within or 86400 for row in rows)
    assert timeout <= 86400
    longer = {each["tier"]: each for each in _awx_workflows.templates(77)}
    assert [node["approval"]["timeout"] for node in longer[tier]["nodes"] if "approval" in node] == [77]


def test_an_approver_reads_who_has_to_agree() -> None:
    assert _node(2, "approve")["approval"]["description"] == (
        "P1/high: the team lead; P2/medium: the team's consensus; low: the team's discretion"
    )
    assert _awx_workflows.approval(1) is None
