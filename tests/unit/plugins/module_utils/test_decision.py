# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision
from ansible_collections.tiered.rollback.plugins.module_utils._decision import Decision
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import (
    APPROVALS,
    DECISIONS,
    ISSUES,
    MATRIX,
    SEVERITIES,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

NAMED = [severity for severity in SEVERITIES if severity != "none"]
WORDS = [word for name in NAMED for word in (name, *SEVERITIES[name])]
#: The most urgent first. A rollback of CI is the only one that a matter of CI has.
URGENCY: list[Any] = [1, 2, 3, "ci", None]


def first(answer: Decision) -> Any:
    return answer.tiers[0] if answer.tiers else None


@pytest.mark.parametrize(
    ("severity", "issue", "tier", "within", "approval"),
    [
        # Document 004.
        ("P0", "data_loss", 1, 300, "none"),
        ("P0", "security_breach", 1, 300, "none"),
        ("P0", "service_outage", 1, 300, "none"),
        ("P1", "feature_broken", 2, 1800, "team_lead"),
        ("P1", "high_error_rate", 2, 1800, "team_lead"),
        ("P2", "minor_bug", 3, 604800, "team_consensus"),
        ("P2", "ui_issue", 3, 604800, "team_consensus"),
        ("P2", "performance_minor", None, None, "discretion"),
        # Document 003.
        ("critical", "service_crash", 1, 300, "none"),
        ("critical", "data_corruption", 1, 300, "none"),
        ("high", "health_check_failure", 1, 1800, "none"),
        ("medium", "performance_severe", 2, 604800, "team_consensus"),
        ("low", "feature_issue", 3, None, "discretion"),
        # Document 001.
        ("critical", "ci_broken", "ci", 3600, "single_maintainer"),
        ("high", "ci_slow", "ci", 86400, "team_lead"),
        ("medium", "ci_slow", "ci", 604800, "team_consensus"),
        ("low", "ci_cosmetic", "ci", None, "discretion"),
        # Where only Tier 2 brings data back.
        ("P1", "data_corruption", 2, 1800, "team_lead"),
    ],
)
def test_the_documents_rows_are_answered(
    severity: str, issue: str, tier: Any, within: int | None, approval: str
) -> None:
    found = _decision.decide(severity, issue)
    assert (first(found), found.within, found.approval) == (tier, within, approval)
    assert (found.severity, found.issue) == (severity, issue)


@given(st.sampled_from(WORDS), st.sampled_from(list(ISSUES)))
def test_every_combination_has_exactly_one_answer(severity: str, issue: str) -> None:
    """The row of the issue itself where there is one, else that of its group, and never none."""
    found = _decision.decide(severity, issue)
    rank = _decision.ranked(severity)
    own = [row for row in MATRIX if (row["severity"], row["issue"]) == (rank, issue)]
    group = [row for row in MATRIX if (row["severity"], row["issue"]) == (rank, ISSUES[issue]["group"])]
    assert [found.action] == [row["action"] for row in own or group]
    assert found == _decision.decide(severity, issue)


@given(st.sampled_from(NAMED), st.sampled_from(NAMED), st.sampled_from(list(ISSUES)))
def test_a_higher_severity_is_never_less_urgent(one: str, other: str, issue: str) -> None:
    """Of one issue: tier 1 before 2 before 3 before none, roll back before fix forward before monitor, sooner."""
    worse, milder = (_decision.decide(name, issue) for name in sorted((one, other), key=NAMED.index))
    assert URGENCY.index(first(worse)) <= URGENCY.index(first(milder))
    assert DECISIONS.index(worse.decision) <= DECISIONS.index(milder.decision)
    assert (worse.within or math.inf) <= (milder.within or math.inf)


@given(st.sampled_from(NAMED), st.sampled_from(NAMED), st.sampled_from(list(ISSUES)))
def test_the_approval_is_never_weaker_for_the_milder_severity(one: str, other: str, issue: str) -> None:
    """The more time there is, the more people agree: haste alone excuses that nobody was asked."""
    worse, milder = (_decision.decide(name, issue) for name in sorted((one, other), key=NAMED.index))
    assert APPROVALS[worse.approval]["strength"] <= APPROVALS[milder.approval]["strength"]


@given(st.sampled_from(["critical", "P0"]), st.sampled_from(list(ISSUES)))
def test_an_emergency_waits_for_nobody(severity: str, issue: str) -> None:
    assert _decision.decide(severity, issue).to_dict()["asked"] is False


@pytest.mark.parametrize("severity", WORDS)
def test_names_of_one_severity_are_answered_alike(severity: str) -> None:
    rank = _decision.ranked(severity)
    assert _decision.decide(severity, "other").row == _decision.decide(rank, "other").row


def test_what_is_not_given_comes_from_the_documents() -> None:
    assert _decision.decide(issue="data_corruption").severity == "critical"
    assert _decision.decide("P1").issue == "other"
    assert _decision.decide("P1", about="ci").tiers == ("ci",)


def test_the_command_asks_the_same_question() -> None:
    command = _decision.decide("P1", "high_error_rate").to_dict()["command"]
    assert command == (
        "ansible-playbook tier2-standard.yml -e version=previous -e severity=P1 -e issue=high_error_rate "
        "-e approved_by=NAME"
    )
    assert _decision.decide("P0", "data_loss").to_dict()["command"].endswith("-e issue=data_loss")
    assert _decision.decide("P2", "performance_minor").to_dict()["command"] is None


@pytest.mark.parametrize(
    ("severity", "issue", "message"),
    [
        (None, None, "neither severity nor issue"),
        ("P9", None, r"no severity 'P9'\nHINT: Known: P0, critical, P1"),
        ("P1", "gremlins", r"no issue 'gremlins'\nHINT: Known: data_loss"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(severity: str | None, issue: str | None, message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _decision.decide(severity, issue)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": "awful"}, "wrong in severity"),
        ({"issue": "gremlins"}, "wrong in issue"),
        ({"decision": "pray"}, "wrong in decision"),
        ({"tiers": [4]}, "wrong in tiers"),
        ({"tiers": []}, "wrong in tiers"),
        ({"within": 0}, "wrong in within"),
        ({"within": "soon"}, "wrong in within"),
        ({"approval": "mother"}, "wrong in approval"),
        ({"sources": []}, "wrong in sources"),
        ({"note": None}, "wrong in note"),
        ({"surprise": 1}, "not exactly the keys"),
    ],
)
def test_a_row_that_is_not_as_the_schema_wants_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _decision.parse([{**MATRIX[0], **change}, *MATRIX[1:]])


@given(st.integers(0, len(MATRIX) - 1))
def test_a_second_answer_to_a_question_is_refused(number: int) -> None:
    with pytest.raises(RollbackError, match="contradicts itself"):
        _decision.parse([*MATRIX, {**MATRIX[number], "action": "something else"}])


@given(st.sampled_from([row for row in MATRIX if row["issue"] in ("service", "data", "ci")]))
def test_a_hole_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(RollbackError, match=f"no row for {row['severity']}/{row['issue']}"):
        _decision.parse([each for each in MATRIX if each is not row])


def test_whom_to_call_depends_on_what_is_wrong() -> None:
    def roles(severity: str, issue: str) -> list[str]:
        return [each["role"] for each in _decision.escalation(_decision.decide(severity, issue))]

    assert roles("P0", "data_loss") == ["On-call engineer", "Tech or platform lead", "VP engineering", "CTO", "CEO"]
    assert roles("low", "minor_bug") == ["On-call engineer"]
    assert roles("critical", "ci_broken") == ["CI/CD engineer", "DevOps lead", "Platform team"]


def test_a_site_has_its_own_people() -> None:
    found = _decision.escalation(_decision.decide("P0"), [{"role": "Olga", "contact": "+49 30 1"}])
    assert found == [{"role": "Olga", "contact": "+49 30 1", "response": None, "authority": ""}]


@pytest.mark.parametrize("entry", [{"contact": "x"}, {"role": "Olga", "phone": "1"}, "Olga"])
def test_an_entry_of_the_path_that_means_nothing_is_refused(entry: Any) -> None:
    with pytest.raises(RollbackError, match="rollback_escalation is malformed"):
        _decision.escalation(_decision.decide("P0"), [entry])


@pytest.mark.parametrize(
    ("decided", "about", "roles"),
    [
        (None, "ci", {"CI/CD engineer", "DevOps lead", "Platform team"}),
        ({"approved_by": "alice"}, "service", None),
        ({"row": "critical/data", "severity": "P0", "issue": "data_loss"}, "service", {"CTO", "CEO"}),
    ],
)
def test_whom_a_run_calls_follows_from_what_was_decided(decided: Any, about: str, roles: set[str] | None) -> None:
    found = [each["role"] for each in _decision.usual_escalation(decided, about)]
    assert found
    assert roles is None or roles <= set(found)
    assert [e["role"] for e in _decision.usual_escalation(decided, about, [{"role": "Olga"}])] == ["Olga"]
