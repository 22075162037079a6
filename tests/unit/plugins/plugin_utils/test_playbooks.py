# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.tiered.rollback.plugins.module_utils import _names, _survey
from ansible_collections.tiered.rollback.plugins.module_utils._awx import Playbook
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks
from ansible_collections.tiered.rollback.tests.support import launching

ALL = _playbooks.read()


def test_every_playbook_is_read_under_the_name_that_people_type() -> None:
    files = {path.stem.replace("_", "-") for path in _playbooks.FOLDER.glob("*.yml")}
    assert {each.name for each in ALL} == files - {"awx"}
    titles = {each.name: each.title for each in ALL}
    assert titles["tier1-emergency"] == "Tier 1, emergency rollback of images and configuration"


def test_the_playbook_that_makes_the_jobs_is_none_itself_and_can_be_read_alone() -> None:
    assert set(_playbooks.names()) - {each.name for each in ALL} == {"awx"}
    found = _playbooks.one("awx")
    assert (found.name, found.title, found.launch) == ("awx", "Make AWX know the playbooks", None)


def test_what_each_takes_at_launch_is_its_own_task() -> None:
    assert all(each.launch["playbook"] == f"{each.name}.yml" for each in ALL if each.launch is not None)
    assert {each.name for each in ALL if each.launch is None} <= {"ci-validate", "peelback", "status"}


def _takes(arguments: dict[str, Any], name: str) -> bool:
    """Whether the check at launch looks at a variable at all."""
    try:
        launching.check({name: "{{ x }}"}, **arguments)
    except AnsibleActionFail as error:
        return f"{name} has an unsafe or malformed value" in str(error)
    return False


@pytest.mark.parametrize("playbook", [each for each in ALL if each.launch is not None], ids=lambda each: each.name)
def test_a_survey_asks_for_exactly_what_the_playbook_takes(playbook: Playbook) -> None:
    assert playbook.launch is not None
    taken = {name for name in _names.LAUNCH_VARIABLES if _takes(dict(playbook.launch), name)}
    spec = _survey.survey(playbook.title, playbook.launch)["spec"]
    assert [question["variable"] for question in spec if question["variable"] not in taken] == []
    assert taken - {question["variable"] for question in spec} == set()
    assert {question["variable"] for question in spec if question["required"]} == set(
        playbook.launch.get("required", ())
    )


@pytest.mark.parametrize("name", ["tier1-emergency", "tier2-standard", "deploy"])
def test_a_version_is_all_that_has_to_be_answered(name: str) -> None:
    (playbook,) = [each for each in ALL if each.name == name]
    assert playbook.launch is not None
    spec = _survey.survey(playbook.title, playbook.launch)["spec"]
    assert [question["variable"] for question in spec if question["required"]] == ["version"]
