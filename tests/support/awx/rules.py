# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses, and how it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.tests.support.awx.tables import PROMPTS

_QUESTION_TYPES = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.status, self.body = status, body


def check_rule(rule: str) -> None:
    """Refuse a schedule's rule that AWX does not take."""
    rules = re.findall(r"RULE:(\S*)", rule)
    if not re.match(r"DTSTART(;TZID=[A-Za-z][\w+/-]*:\d{8}T\d{6}|:\d{8}T\d{6}Z)( |$)", rule):
        raise Refused(
            400, {"rrule": ["Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"]}
        )
    if not rules:
        raise Refused(400, {"rrule": ["One or more rule required in rrule."]})
    for each in rules:
        if "interval" not in each.lower():
            raise Refused(400, {"rrule": [f"INTERVAL required in rrule: {each}"]})
        if re.search(r"BYDAY=\d", each):
            raise Refused(400, {"rrule": [f"BYDAY with numeric prefix not supported: {each}"]})


def check_survey(spec: Mapping[str, Any]) -> None:
    """Refuse a survey that AWX does not take."""
    for key, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(key), kind):
            raise Refused(400, {"error": f"'{key}' missing from survey spec or of a wrong type."})
    if not spec["spec"]:
        raise Refused(400, {"error": "'spec' doesn't contain any items."})
    seen: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        for key in ("type", "question_name", "variable", "required"):
            if not isinstance(question.get(key), bool if key == "required" else str):
                raise Refused(400, {"error": f"'{key}' missing from survey question {number}"})
        if question["variable"] in seen:
            raise Refused(
                400, {"error": f"'variable' '{question['variable']}' duplicated in survey question {number}."}
            )
        seen.add(question["variable"])
        if question["type"] not in _QUESTION_TYPES:
            raise Refused(400, {"error": f"'{question['type']}' in survey question {number} is not allowed."})
        if question["type"].startswith("multi") and not question.get("choices"):
            raise Refused(400, {"error": f"Survey question {number} of type {question['type']} must specify choices."})
        if not all(isinstance(question.get(key, 0), int) for key in ("min", "max")):
            raise Refused(400, {"error": f"min and max of survey question {number} must be integers."})


def wrong_answer(question: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the answer to a question; nothing for one that nobody has to answer."""
    name = question["variable"]
    if name not in given:
        # A default helps nobody who launches by the API.
        return f"'{name}' value missing" if question["required"] else None
    value, kind = given[name], question["type"]
    if kind in ("text", "textarea", "password"):
        if not isinstance(value, str):
            return f"Value {value} for '{name}' expected to be a string."
        if not question.get("min", 0) <= len(value) <= question.get("max", len(value)):
            return f"'{name}' value {value} is too small or too large."
    if kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            return f"Value {value} for '{name}' expected to be an integer."
        if not question.get("min", value) <= value <= question.get("max", value):
            return f"'{name}' value {value} is too small or too large."
    if kind == "multiplechoice" and value not in question["choices"]:
        return f"Value {value} for '{name}' expected to be one of {question['choices']}."
    return None


def take_variables(
    template: Mapping[str, Any], survey: Mapping[str, Any], given: Mapping[str, Any], *, all_needed: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return which variables a launch takes, and which it ignores.

    :raises Refused: for a required question without an answer, and for a wrong answer.
    """
    questions = survey.get("spec", []) if template["survey_enabled"] else []
    wrong = [text for question in questions if (text := wrong_answer(question, given))]
    wrong = wrong if all_needed else [text for text in wrong if not text.endswith("value missing")]
    if wrong:
        raise Refused(400, {"variables_needed_to_start": wrong})
    asked = {question["variable"] for question in questions}
    taken = {name: value for name, value in given.items() if name in asked or template["ask_variables_on_launch"]}
    return taken, {name: value for name, value in given.items() if name not in taken}


def check_prompts(template: Mapping[str, Any], survey: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse what a node or a schedule says for a launch, and the template does not ask for."""
    for name, setting in PROMPTS.items():
        if given.get(name) and not template.get(setting):
            raise Refused(400, {name: ["Field is not configured to prompt on launch."]})
    if extra := given.get("extra_data"):
        ignored = take_variables(template, survey, extra, all_needed=False)[1]
        if ignored:
            raise Refused(400, {"extra_data": [f"Variables {', '.join(ignored)} are not allowed on launch."]})


def unique(fields: Sequence[str], new: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a second object of the same name."""
    if fields and any(all(each.get(key) == new.get(key) for key in fields) for each in others):
        raise Refused(400, {"__all__": [f"There is one with this {' and '.join(fields)} already."]})
