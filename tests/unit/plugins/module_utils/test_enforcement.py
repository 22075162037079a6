# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _enforcement, _names
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import ISSUES, SEVERITIES
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

APPROVERS = {"team_lead": ["alice", "bob"]}


def enforce(tier: str = "2", approvers: Any = None, **given: str) -> dict[str, Any] | None:
    return _enforcement.enforce(given, tier, "olga", approvers or {})


@pytest.mark.parametrize("tier", ["1", "2", "3", "ci"])
def test_without_a_label_nothing_is_asked(tier: str) -> None:
    assert enforce(tier) is None


def test_what_is_stated_without_a_label_is_recorded_all_the_same() -> None:
    assert enforce("1", override_reason="x", approved_by="alice") == {"override_reason": "x", "approved_by": "alice"}


@given(
    st.sampled_from([word for name in SEVERITIES if name != "none" for word in (name, *SEVERITIES[name])]),
    st.sampled_from(list(ISSUES)),
    st.sampled_from(["1", "2", "3", "ci"]),
)
def test_a_tier_is_let_through_exactly_where_the_matrix_allows_it(severity: str, issue: str, tier: str) -> None:
    if tier in map(str, _decision.decide(severity, issue).tiers):
        recorded = enforce(tier, severity=severity, issue=issue)
        assert recorded is not None
        assert recorded["allowed"] is True
    else:
        with pytest.raises(RollbackError, match="override_reason"):
            enforce(tier, severity=severity, issue=issue)


@pytest.mark.parametrize(
    ("tier", "given", "message", "hint"),
    [
        (
            "1",
            {"severity": "P1", "issue": "data_corruption"},
            "says tier 2 for P1/data_corruption",
            "tier2-standard.yml",
        ),
        ("3", {"severity": "P0"}, "says tier 1 or tier 2 for P0/other", "tier1-emergency.yml or tier2-standard.yml"),
        ("3", {"issue": "performance_minor"}, "'monitor, and fix.*no rollback", "Do that, or state"),
        ("2", {"issue": "ci_broken"}, "says CI rollback for critical/ci_broken", "ci-rollback.yml"),
        ("ci", {"issue": "high_error_rate"}, "says tier 2", "tier2-standard.yml"),
    ],
)
def test_a_refusal_names_what_the_matrix_allows(tier: str, given: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        enforce(tier, **given)
    assert hint in caught.value.hint


def test_a_reason_overrides_the_matrix_and_is_recorded() -> None:
    recorded = enforce("1", severity="P1", issue="data_corruption", override_reason=" no time ")
    assert recorded is not None
    assert (recorded["allowed"], recorded["override_reason"]) == (False, "no time")
    assert (recorded["row"], recorded["sources"]) == ("high/data", ["001", "003", "004"])


@pytest.mark.parametrize(
    ("tier", "severity", "issue", "allowed"),
    [
        ("1", "P1", "high_error_rate", True),
        ("1", "P1", "data_corruption", False),
        ("1", "P2", "minor_bug", False),
        ("3", "P1", "high_error_rate", False),
    ],
)
def test_without_a_database_tier_1_does_what_tier_2_would(tier: str, severity: str, issue: str, allowed: bool) -> None:
    given = {"severity": severity, "issue": issue, "override_reason": "x"}
    recorded = _enforcement.enforce(given, tier, "olga", {}, databases=False)
    assert recorded is not None
    assert recorded["allowed"] is allowed


def test_a_blank_reason_is_none() -> None:
    with pytest.raises(RollbackError, match="says tier 2"):
        enforce("1", severity="P1", override_reason="  ")


def test_ci_without_an_issue_is_asked_for_ci() -> None:
    recorded = enforce("ci", severity="high")
    assert recorded is not None
    assert recorded["issue"] == "ci_other"


@pytest.mark.parametrize(
    ("tier", "given", "waits"),
    [
        ("1", {"severity": "P0"}, False),
        ("2", {"severity": "P1"}, True),
        ("2", {"severity": "P1", "approved_by": "alice"}, False),
        ("2", {"severity": "P0"}, False),
        ("3", {"severity": "low"}, True),
        ("ci", {"severity": "critical"}, False),
        ("2", {}, False),
    ],
)
def test_somebody_is_waited_for_where_the_matrix_wants_it(tier: str, given: dict[str, str], waits: bool) -> None:
    assert _enforcement.waiting(enforce(tier, **given)) is waits


def test_a_single_maintainer_is_the_one_who_runs_it() -> None:
    recorded = enforce("ci", severity="critical")
    assert recorded is not None
    assert recorded["approved_by"] == "olga"


def test_in_awx_a_right_on_the_workflow_says_who_may_approve() -> None:
    recorded = enforce("2", APPROVERS, severity="P1", approved_by=_enforcement.IN_AWX)
    assert recorded is not None
    assert recorded["approved_by"] == "AWX approval node"
    assert _names.person(_enforcement.IN_AWX)


def test_who_may_approve_is_checked_where_it_is_configured() -> None:
    right = enforce("2", APPROVERS, severity="P1", approved_by="alice")
    assert right is not None
    assert right["approved_by"] == "alice"
    with pytest.raises(RollbackError, match=r"mallory may not approve P1/other.*team lead \(alice, bob\)"):
        enforce("2", APPROVERS, severity="P1", approved_by="mallory")
    assert enforce("3", APPROVERS, severity="P2", approved_by="mallory") is not None


def test_the_question_says_what_and_who() -> None:
    recorded = enforce("3", severity="P1", override_reason="only the mailer is broken")
    assert recorded is not None
    asked = _enforcement.question(recorded, APPROVERS)
    assert asked == (
        "P1/other (roll back) needs the approval of the team lead (alice, bob). "
        "It overrides the matrix: only the mailer is broken."
    )
    assert asked in _enforcement.missing(recorded, APPROVERS).message


@pytest.mark.parametrize("approvers", [["alice"], {"team_lead": "alice"}, {"boss": ["alice"]}])
def test_approvers_that_mean_nothing_are_refused(approvers: Any) -> None:
    with pytest.raises(RollbackError, match="rollback_approvers is malformed"):
        _enforcement.names_of("team_lead", approvers)
