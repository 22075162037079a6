# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_report, _outcome, _report_html
from ansible_collections.tiered.rollback.tests.support.page import Page
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_markup import HOSTILE
from hypothesis import HealthCheck, given, settings


def read(record: dict[str, Any], next_steps: Any = _outcome.next_steps) -> Page:
    page = Page(_report_html.render(record, next_steps(record) if record else []))
    page.refuse_what_is_not_in_it()
    return page


def test_the_page_tells_everything_that_the_markdown_report_tells(example: dict[str, Any]) -> None:
    page = read(example)
    for told in (
        *("✓ succeeded", "shop is back on v0.9.0", "column total is missing", "19.9 s", "1.52 s", "1420 rows differ"),
        *("3 of 3 hold", "before: 1 of 2 hold", "✗ FAILED", "status 500, wanted 200", "public.orders", "312", "no key"),
        *("shop_displaced_20261120t141203z_5f2a9c", "stop_first", "shop-api-1", "li (team lead)", "data_corruption"),
        *("ansible-playbook undo.yml -e run=20261120T141203Z-5f2a9c", "tier2-standard.yml", "restored aside"),
    ):
        assert told in page.text
    pictures = [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 2
    assert "within the 30 min" in str(pictures[0])


def test_every_figure_of_the_markdown_report_is_on_the_page(example: dict[str, Any]) -> None:
    cells = re.findall(r"(?<=\| )[^|]+(?= \|)", _outcome.markdown(example))
    text = read(example).text
    figures = {cell for cell in cells if re.fullmatch(r"[0-9.]+", cell)}
    assert len(figures) > 20
    assert [figure for figure in figures if figure not in text] == []


@pytest.mark.parametrize(
    ("outcome", "state", "following"),
    [("reverted", "! failed", "Look at the error above"), ("failed", "✗ failed", "Escalate now.")],
)
def test_a_run_that_failed_says_what_went_wrong_and_what_to_do(
    example: dict[str, Any], outcome: str, state: str, following: str
) -> None:
    page = read({**example, "outcome": outcome, "error": "api is <unhealthy>", "checks_after": []})
    for told in (state, following, "What went wrong", "api is <unhealthy>", "none was made"):
        assert told in page.text


def test_an_undo_says_that_it_is_one(example: dict[str, Any]) -> None:
    page = read({**example, "kind": "undo", "to_version": "v1.0.0"})
    assert "shop is on v1.0.0 again" in page.text


def test_a_ci_rollback_has_its_own_parts(build: Any) -> None:
    record = {
        "kind": "ci",
        "repository": "acme/shop",
        "method": "swap",
        "outcome": "succeeded",
        "run": "r",
        "tier": 3,
        "before": "a" * 40,
        "undo": "ansible-playbook ci-rollback.yml -e to=a",
        "duration": 9.0,
        "error": None,
        "actions": ["take ci.yml from *.backup"],
        "triggers": [{"workflow": "ci.yml", "meaning": "CI is broken"}],
        "proof": [{"file": "ci.yml", "conclusion": "success", "seconds": 9.0, "coverage": 85.0, "url": "https://x/2"}],
    }
    page = read(record, _ci_report.next_steps)
    for told in ("CI of acme/shop", "CI is broken", "https://x/2", "85.0", "take ci.yml", "-e to=a", "no budget"):
        assert told in page.text
    assert "Data loss" not in page.text


def test_an_empty_record_is_a_page_that_knows_nothing() -> None:
    assert "unknown" in read({}).text


def test_a_decision_is_shown_with_who_approved_it(example: dict[str, Any]) -> None:
    page = read(
        {**example, "decision": {"approved_by": "alice", "override_reason": "no time", "approval_seconds": 4.5}}
    )
    assert all(told in page.text for told in ("alice", "no time", "4.5 s"))


def test_whom_to_call_is_shown(example: dict[str, Any]) -> None:
    page = read({**example, "escalation": [{"role": "Olga", "contact": "<b>1</b>", "response": 900}]})
    assert all(told in page.text for told in ("Whom to call", "Olga", "<b>1</b>", "15 min"))
    assert "Whom to call" not in read({**example, "escalation": []}).text


def test_a_run_that_nobody_decided_on_has_no_such_part(example: dict[str, Any]) -> None:
    assert "Decision and approval" not in read({**example, "decision": None}).text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=HOSTILE)
def test_no_text_of_a_record_becomes_markup(example: dict[str, Any], text: str) -> None:
    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hostile(each) for key, each in value.items()}
        if isinstance(value, list):
            return [hostile(each) for each in value]
        return text if isinstance(value, str) and not re.match(r"\d{4}-\d\d-|good$|bad$|silent$", value) else value

    known = read(example).tags | {"code", "ul", "li", "p", "pre"}
    record = {**hostile(example), "outcome": "reverted", "error": text, "answers": hostile(example["answers"])}
    record["answers"]["urls"] = {
        f"{text}{number}": each for number, each in enumerate(record["answers"]["urls"].values())
    }
    page = Page(_report_html.render(record, [text]))
    page.refuse_what_is_not_in_it()
    assert page.tags <= known


def test_a_page_stays_small(example: dict[str, Any]) -> None:
    flapping = [[number, number + 1, ("good", "bad", "silent")[number % 3]] for number in range(200)]
    example["answers"]["urls"] = {f"http://x/{number}": flapping for number in range(3)}
    assert len(json.dumps(example)) < len(_report_html.render(example, [])) < 150_000
