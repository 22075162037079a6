# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.tiered.rollback.plugins.action import launch
from ansible_collections.tiered.rollback.plugins.module_utils import _run

ATTACK = "{{ lookup('pipe', 'touch /tmp/tiered-rollback-was-here') }}"


def _launch(variables: dict[str, Any], templar: MagicMock | None = None, **arguments: Any) -> dict[str, Any]:
    task = MagicMock(async_val=0, check_mode=False, args={"playbook": "tier1-emergency.yml", **arguments})
    action = launch.ActionModule(
        task=task,
        connection=MagicMock(),
        play_context=MagicMock(check_mode=False),
        loader=MagicMock(),
        templar=MagicMock() if templar is None else templar,
        shared_loader_obj=MagicMock(),
    )
    found: dict[str, Any] = action.run(task_vars=variables)["ansible_facts"]["rollback_launch"]
    return found


def test_what_was_given_and_who_runs_it_become_one_fact() -> None:
    found = _launch({"version": "v0.9.0", "reason": "slow", "ansible_user": "x"}, required=["version"])
    assert found["given"] == {"version": "v0.9.0", "reason": "slow"}
    run = _run.from_dict(found["run"])
    assert (run.playbook, run.reason, run.pid) == ("tier1-emergency.yml", "slow", os.getppid())
    assert not _run.known_dead(run)


def test_what_the_playbook_does_not_take_is_left_alone() -> None:
    found = _launch({"version": "v1", "days": "3", "service": {"a": ATTACK}}, required=["version"], optional=["days"])
    assert found["given"] == {"version": "v1", "days": "3"}


def test_each_run_has_an_id_of_its_own() -> None:
    assert _launch({})["run"]["id"] != _launch({})["run"]["id"]


@pytest.mark.parametrize("value", ["v0.9.0; touch /tmp/x", ATTACK, "{% x %}", {"a": ATTACK}, ["v1"]])
def test_a_value_that_is_not_plain_is_refused_and_never_evaluated(value: Any) -> None:
    templar = MagicMock()
    with pytest.raises(AnsibleActionFail, match="version has an unsafe or malformed value"):
        _launch({"version": value}, templar, required=["version"])
    assert templar.mock_calls == []


def test_a_missing_variable_is_named_with_an_example() -> None:
    with pytest.raises(AnsibleActionFail, match=r"version is not set\nHINT: Add -e version=\.\.\., .*status\.yml"):
        _launch({"reason": "x"}, required=["version"])


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
    assert _launch(variables)["run"]["user"] == user


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
        _launch(variables, optional=["component", "flags", "version"], **rules)
    _launch({"component": "api", "version": "v1"}, optional=["component", "flags", "version"], **rules)
