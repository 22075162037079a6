# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _awx, _awx_setup
from ansible_collections.tiered.rollback.plugins.module_utils._awx import Playbook
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

LEAST: dict[str, Any] = {
    "project": {"url": "https://git.example.com/rollback.git"},
    "execution_environment": {"image": "registry.example.com/ee:1.0.0"},
}
TIERS = {"tier1-emergency": "1", "tier2-standard": "2", "tier3-partial": "3", "ci-rollback": "ci"}
PLAYBOOKS = [
    *(Playbook(name=name, title=name, launch={"tier": tier, "required": ["version"]}) for name, tier in TIERS.items()),
    *(Playbook(name=name, title=name, launch={}) for name in ("verify", "ci-status", "drill")),
    Playbook(name="status", title="Show", launch=None),
]


def _wanted(**changes: Any) -> dict[str, Any]:
    return _awx.wanted(_awx_setup.parse({**LEAST, **changes}), PLAYBOOKS)


def test_every_playbook_gets_a_job_template_and_every_tier_a_workflow() -> None:
    found = _wanted()
    assert [each["name"] for each in found["job_templates"]] == [each.name for each in PLAYBOOKS]
    assert found["job_templates"][0]["playbook"] == "playbooks/tier1-emergency.yml"
    assert [each["name"] for each in found["workflows"]] == [
        "Tier 1 rollback",
        "Tier 2 rollback",
        "Tier 3 rollback",
        "CI rollback",
    ]
    assert set(found["labels"]) == {"tiered.rollback", "tier 1", "tier 2", "tier 3", "ci"}


def test_what_takes_nothing_at_launch_has_no_survey() -> None:
    assert {each["name"] for each in _wanted()["job_templates"] if "survey" not in each} == {"status"}


def test_nobody_is_asked_who_has_approved_where_a_node_says_so() -> None:
    asked = {each["name"]: {q["variable"] for q in each["survey"]["spec"]} for each in _wanted()["workflows"]}
    assert {name for name, names in asked.items() if "approved_by" in names} == {"Tier 1 rollback"}
    for each in _wanted()["job_templates"][:4]:
        assert "approved_by" in {question["variable"] for question in each["survey"]["spec"]}


def test_only_some_playbooks_may_be_wanted_and_workflows_need_all_of_theirs() -> None:
    found = _wanted(playbooks=["tier1-emergency.yml", "tier2-standard", "verify"])
    assert [each["name"] for each in found["job_templates"]] == ["tier1-emergency", "tier2-standard", "verify"]
    assert {each["name"] for each in found["workflows"]} == {"Tier 1 rollback", "Tier 2 rollback"}
    assert {each["workflow"] for each in found["nodes"]} == {"Tier 1 rollback", "Tier 2 rollback"}
    assert [each["name"] for each in found["schedules"]] == ["Sync the playbooks", "Sync the inventory"]
    with pytest.raises(RollbackError, match="there is no playbook tier9"):
        _wanted(playbooks=["tier9.yml"])


def test_what_somebody_attached_by_hand_is_left_alone_unless_it_is_said() -> None:
    bare = _wanted()
    assert not any("credentials" in each or "told" in each for each in [*bare["job_templates"], *bare["workflows"]])
    hook = {"name": "Hook", "type": "webhook", "configuration": {"url": "http://h"}}
    said = _wanted(credentials=["key"], notifications=[hook])
    assert all(each["credentials"] == ["key"] for each in said["job_templates"])
    told = {"started": [], "success": [], "error": ["Hook"], "approvals": ["Hook"]}
    assert all(each["told"] == told for each in [*said["job_templates"], *said["workflows"]])
    assert said["notification_templates"] == [hook]


def test_drills_are_on_the_last_friday_and_the_rule_is_the_same_tomorrow() -> None:
    drill = _wanted(drill={"hour": 4, "timezone": "Europe/Berlin", "limit": "udo"})["schedules"][0]
    assert drill["rrule"] == "DTSTART;TZID=Europe/Berlin:20260101T040000 RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR"
    assert (drill["of"], drill["enabled"], drill["limit"]) == ("drill", True, "udo")
    assert _wanted(drill={"enabled": False})["schedules"][0]["enabled"] is False
    with pytest.raises(RollbackError, match="no such time of day"):
        _wanted(drill={"hour": 24})


def test_every_schedule_says_its_interval() -> None:
    assert all("INTERVAL=" in each["rrule"] for each in _wanted()["schedules"])


def test_secrets_come_by_the_variables_that_the_documentation_uses() -> None:
    for kind in _wanted()["credential_types"]:
        fields = kind["inputs"]["fields"]
        assert all(each["secret"] for each in fields)
        assert kind["injectors"]["extra_vars"] == {f"vault_{f['id']}": "{{ " + f["id"] + " }}" for f in fields}


def _found(wanted: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What the API lists when all is there."""
    lists = {kind: wanted[key] if isinstance(wanted[key], list) else [wanted[key]] for kind, key in _awx._NAMED.items()}
    found = {
        kind: [each if isinstance(each, dict) else {"name": each} for each in them] for kind, them in lists.items()
    }
    found["workflow_job_template_nodes"] = [
        {"identifier": each["identifier"], "summary_fields": {"workflow_job_template": {"name": each["workflow"]}}}
        for each in wanted["nodes"]
    ]
    return found


def test_what_is_missing_is_named_in_the_order_in_which_it_is_made() -> None:
    wanted = _wanted()
    missing = _awx.missing(wanted, {})
    assert tuple(missing) == tuple(kind for kind in _awx.KINDS if kind != "notification_templates")
    assert missing["organizations"] == ["Rollback"]
    assert missing["workflow_job_template_nodes"].count("Tier 2 rollback: approve") == 1
    found = _found(wanted)
    assert _awx.missing(wanted, found) == {}
    del found["workflow_job_template_nodes"][0], found["job_templates"][1]
    assert _awx.missing(wanted, found) == {
        "job_templates": ["tier2-standard"],
        "workflow_job_template_nodes": ["Tier 1 rollback: verify"],
    }
