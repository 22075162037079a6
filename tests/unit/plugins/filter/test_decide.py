# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.filter import decide

ROOT = Path(__file__).resolve().parents[4]
ask = decide.FilterModule().filters()["decide"]


def test_a_question_is_answered() -> None:
    found = ask({"severity": "P1", "issue": "high_error_rate"}, {"team_lead": ["alice"]}, [{"role": "Olga"}])
    assert (found["tier"], found["tiers"], found["within"], found["approvers"]) == (2, [2], 1800, ["alice"])
    assert [each["role"] for each in found["escalation"]] == ["Olga"]
    assert found["fired"] == []


def test_what_was_measured_is_answered_with_what_fired() -> None:
    found = ask({"severity": "", "issue": "", "metrics": '{"error_rate": 12.5}'})
    assert (found["row"], found["fired"][0]["value"], found["fired"][0]["limit"]) == ("high/service", 12.5, 10)


def test_the_same_question_gets_the_same_answer_and_is_left_alone() -> None:
    question = {"severity": "P0", "issue": "data_loss"}
    assert ask(question) == ask(question)
    assert question == {"severity": "P0", "issue": "data_loss"}


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({}, "cannot tell what is asked"),
        ({"severity": ""}, "cannot tell what is asked"),
        ("P1", "cannot tell what is asked"),
        ({"severity": "P1", "metrics": {"error_rate": 1}}, "cannot tell what is asked"),
        ({"sevrity": "P1"}, "cannot tell what is asked"),
        ({"severity": "P9"}, "no severity 'P9'\nHINT: Known"),
    ],
)
def test_a_question_that_means_nothing_is_refused_with_a_hint(question: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        ask(question)


def test_the_documentation_is_of_what_the_filter_takes_and_returns() -> None:
    documented = yaml.safe_load((ROOT / "plugins/filter/decide.yml").read_text())
    assert ["question", *list(documented["DOCUMENTATION"]["options"])[1:]] == list(inspect.signature(ask).parameters)
    assert set(documented["RETURN"]["_value"]["contains"]) == set(ask({"severity": "P1"}))
