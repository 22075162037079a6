# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.tiered.rollback.plugins.module_utils import _run
from ansible_collections.tiered.rollback.tests.support.launching import check

ATTACK = "{{ lookup('pipe', 'touch /tmp/tiered-rollback-was-here') }}"


def test_what_was_given_and_who_runs_it_are_returned_and_no_fact_is_set() -> None:
    found = check({"version": "v0.9.0", "reason": "slow", "ansible_user": "x"}, required=["version"])
    assert set(found) == {"changed", "given", "run", "warnings"}
    assert found["given"] == {"version": "v0.9.0", "reason": "slow"}
    run = _run.from_dict(found["run"])
    assert (run.playbook, run.reason, run.pid) == ("tier1-emergency.yml", "slow", os.getppid())
    assert not _run.known_dead(run)


def test_what_the_playbook_does_not_take_is_left_alone() -> None:
    found = check({"version": "v1", "days": "3", "service": {"a": ATTACK}}, required=["version"], optional=["days"])
    assert found["given"] == {"version": "v1", "days": "3"}


def test_what_a_rulebook_says_comes_in_one_variable_and_is_checked_as_all_else() -> None:
    request = {"stack": "udo", "version": "1.10", "environment": ATTACK, "approved_by": "eve"}
    taken = {"request": "rollback_request", "optional": ["stack", "version", "service"]}
    found = check({"rollback_request": request, "service": "api"}, **taken)
    assert found["given"] == {"stack": "udo", "version": "1.10", "service": "api"}
    templar = MagicMock()
    for wrong in ({"version": ATTACK}, {"stack": ATTACK}, ATTACK, ["udo"]):
        with pytest.raises(AnsibleActionFail, match=r"unsafe or malformed value|is no dictionary"):
            check({"rollback_request": wrong}, templar, **taken)
    assert templar.mock_calls == []
    assert check({"rollback_request": request}, optional=["version"])["given"] == {}


def test_each_run_has_an_id_of_its_own() -> None:
    assert check({})["run"]["id"] != check({})["run"]["id"]


@pytest.mark.parametrize("value", ["v0.9.0; touch /tmp/x", ATTACK, "{% x %}", {"a": ATTACK}, ["v1"]])
def test_a_value_that_is_not_plain_is_refused_and_never_evaluated(value: Any) -> None:
    templar = MagicMock()
    with pytest.raises(AnsibleActionFail, match="version has an unsafe or malformed value"):
        check({"version": value}, templar, required=["version"])
    assert templar.mock_calls == []


def test_a_missing_variable_is_named_with_an_example() -> None:
    with pytest.raises(AnsibleActionFail, match=r"version is not set\nHINT: Add -e version=\.\.\., .*status\.yml"):
        check({"reason": "x"}, required=["version"])


@pytest.mark.parametrize(
    ("variables", "user"),
    [
        ({"awx_user_name": "olga"}, "olga"),
        ({"tower_user_name": "oleg"}, "oleg"),
        ({"awx_user_name": "o|x\n{{ y }}"}, "oxy"),
        ({"awx_user_name": "{{}}"}, "unknown"),
    ],
)
def test_under_awx_the_user_is_the_one_who_launched_the_job(variables: dict[str, Any], user: str) -> None:
    assert check(variables)["run"]["user"] == user


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "one of the following is required: component, flags"),
        ({"component": "api", "flags": {"A": True}}, "mutually exclusive"),
        ({"component": "api"}, "required by 'component': version"),
    ],
)
def test_what_goes_with_what_is_checked_and_the_playbook_named(variables: dict[str, Any], message: str) -> None:
    rules: dict[str, Any] = {
        "required_one_of": [["component", "flags"]],
        "mutually_exclusive": [["component", "flags"]],
        "required_by": {"component": ["version"]},
    }
    with pytest.raises(AnsibleActionFail, match=rf"{message}[\s\S]*HINT: The playbook's first lines"):
        check(variables, optional=["component", "flags", "version"], **rules)
    check({"component": "api", "version": "v1"}, optional=["component", "flags", "version"], **rules)


@pytest.mark.parametrize("name", ["severity", "issue", "override_reason", "approved_by"])
def test_what_the_matrix_is_asked_with_is_never_evaluated(name: str) -> None:
    templar = MagicMock()
    with pytest.raises(AnsibleActionFail, match=f"{name} has an unsafe or malformed value"):
        check({name: ATTACK}, templar, tier="1")
    assert templar.mock_calls == []


@pytest.mark.parametrize("tier", ["1", "2", "3", "ci"])
def test_without_a_label_the_matrix_is_not_asked(tier: str) -> None:
    found = check({"rollback_approvers": ATTACK}, tier=tier)
    assert found["run"]["decision"] is None
    assert "question" not in found


def test_a_playbook_of_no_tier_leaves_the_label_alone() -> None:
    assert check({"severity": ATTACK, "issue": ATTACK})["run"]["decision"] is None


def test_a_tier_that_the_matrix_does_not_allow_fails() -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"tier 2 for P1/other\nHINT: Use tier2-standard\.yml, or state -e override"
    ):
        check({"severity": "P1"}, tier="1")


def test_what_was_decided_travels_with_the_run() -> None:
    found = check({"severity": "P1", "approved_by": "alice"}, tier="2")
    decision = _run.from_dict(found["run"]).decision
    assert decision is not None
    assert (decision["row"], decision["approved_by"]) == ("high/service", "alice")
    assert "question" not in found


def test_where_somebody_has_to_approve_the_question_names_who_may() -> None:
    templar = MagicMock()
    templar.template.return_value = {"team_lead": ["alice", "bob"]}
    variables = {"severity": "P1", "rollback_approvers": "{{ people }}"}
    assert "team lead (alice, bob)" in check(variables, templar, tier="2")["question"]
    assert "question" not in check(variables, templar, check_mode=True, tier="2")
    with pytest.raises(AnsibleActionFail, match="mallory may not approve"):
        check({**variables, "approved_by": "mallory"}, templar, tier="2")


def test_an_emergency_does_not_wait_at_a_prompt() -> None:
    variables = {"severity": "P1", "override_reason": "the disk is full"}
    with pytest.raises(AnsibleActionFail, match=r"nobody has approved.*\nHINT: Add -e approved_by=NAME"):
        check(variables, tier="1")
    assert check(variables, check_mode=True, tier="1")["run"]["decision"]["allowed"] is False
    assert check({"severity": "P0"}, tier="1")["run"]["decision"]["allowed"] is True


def test_a_phase_keeps_what_was_decided_of_its_run_and_another_playbook_does_not() -> None:
    first = check({"severity": "P2", "approved_by": "alice"}, tier="3", playbook="tier3-partial.yml")
    after = {"rollback_launch": first}
    assert check(after, playbook="tier3-partial.yml")["run"]["decision"] == first["run"]["decision"]
    assert check(after, playbook="undo.yml")["run"]["decision"] is None
    assert check(after, playbook="tier3-partial.yml", tier="3")["run"]["decision"] is None


def test_a_launch_after_one_that_failed_knows_of_no_decision() -> None:
    failed = {"failed": True, "changed": False, "msg": "version is not set"}
    assert check({"rollback_launch": failed})["run"]["decision"] is None


@pytest.mark.parametrize(
    ("stack", "allowed"),
    [
        ({"name": "shop"}, True),
        ({"name": "shop", "postgres": [], "sqlite": []}, True),
        ({"name": "shop", "sqlite": [{"path": "/data/shop.db"}]}, False),
        ("{{ my_stack }}", False),
        (None, False),
    ],
)
def test_a_stack_without_databases_may_take_tier_1_for_tier_2(stack: Any, allowed: bool) -> None:
    variables = {"severity": "P1", "override_reason": "x", "approved_by": "alice", "rollback_stack": stack}
    assert check(variables, tier="1")["run"]["decision"]["allowed"] is allowed


@pytest.mark.parametrize(
    ("playbook", "given", "first"),
    [
        ("undo.yml", {}, "On-call engineer"),
        ("tier1-emergency.yml", {"severity": "P0"}, "On-call engineer"),
        ("ci-rollback.yml", {}, "CI/CD engineer"),
    ],
)
def test_every_run_knows_whom_to_call(playbook: str, given: dict[str, str], first: str) -> None:
    found = check(given, playbook=playbook, tier="1" if given else None)["run"]["escalation"]
    assert found[0]["role"] == first
    assert {"contact", "response", "authority"} < set(found[0])


def test_a_sites_own_escalation_path_holds_and_a_wrong_one_is_in_nobodys_way() -> None:
    templar = MagicMock(template=lambda value: value)
    own = [{"role": "Olga", "contact": "+49 30 1"}]
    assert [each["role"] for each in check({"rollback_escalation": own}, templar)["run"]["escalation"]] == ["Olga"]
    found = check({"rollback_escalation": [{"rolle": "Olga"}]}, templar)["run"]["escalation"]
    assert found[0]["role"] == "On-call engineer"


def test_when_it_began_is_stated_and_travels_with_the_run() -> None:
    run = check({"began_at": "2026-11-20T09:00:00+01:00", "detected_at": "2026-11-20T08:10:00Z"})["run"]
    assert (run["began_at"], run["detected_at"]) == ("2026-11-20T08:00:00.000+00:00", "2026-11-20T08:10:00.000+00:00")
    assert check({})["run"]["began_at"] is None


def test_a_time_in_the_future_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match=r"began_at lies in the future: 2999[\s\S]*HINT"):
        check({"began_at": "2999-01-01T00:00:00Z"})
