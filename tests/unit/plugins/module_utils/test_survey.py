# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _names, _survey
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

TIER_1 = {"playbook": "tier1-emergency.yml", "tier": "1", "required": ["version"], "optional": ["mcp"]}


def _answers(question: dict[str, Any]) -> list[Any]:
    """Answers that AWX lets through."""
    if question["type"] == "integer":
        return [question["min"], question["max"]]
    return question["choices"] if question["type"] == "multiplechoice" else [""]


def test_only_what_a_playbook_requires_has_to_be_answered() -> None:
    spec = _survey.survey("Tier 1", TIER_1)["spec"]
    assert [each["variable"] for each in spec if each["required"]] == ["version"]
    assert [each["variable"] for each in spec][:3] == ["version", "mcp", "reason"]


def test_what_something_else_gives_is_not_asked_for() -> None:
    spec = _survey.survey("Tier 1", TIER_1, ["approved_by"])["spec"]
    assert "approved_by" not in {each["variable"] for each in spec}
    assert len(spec) == len(_survey.survey("Tier 1", TIER_1)["spec"]) - 1


def test_every_launch_variable_has_a_text_and_every_text_a_launch_variable() -> None:
    assert set(_survey.TEXTS) == set(_names.LAUNCH_VARIABLES)
    assert len(set(_survey.TEXTS.values())) == len(_survey.TEXTS)


@pytest.mark.parametrize("name", sorted(_names.LAUNCH_VARIABLES))
def test_every_answer_that_can_be_chosen_is_one_that_a_playbook_takes(name: str) -> None:
    question = _survey.question(name, False)
    for answer in _answers(question):
        taken = _names.launch_values({name: answer}, [name])
        assert taken == ({} if answer == "" else {name: str(answer)})


def test_a_choice_is_offered_where_there_is_one() -> None:
    assert _survey.question("severity", False)["choices"][:3] == ["P0", "P1", "P2"]
    assert "high_error_rate" in _survey.question("issue", False)["choices"]
    assert {"container_kill", "random"} <= set(_survey.question("fault", False)["choices"])
    assert _survey.question("days", False)["type"] == "integer"
    assert _survey.question("version", True)["type"] == "text"
    with pytest.raises(RollbackError):
        _names.launch_values({"days": _survey.question("days", False)["max"] + 1}, ["days"])


def test_no_question_has_a_default_or_asks_for_a_secret() -> None:
    for name in _names.LAUNCH_VARIABLES:
        question = _survey.question(name, False)
        assert "default" not in question
        assert question["type"] != "password"
