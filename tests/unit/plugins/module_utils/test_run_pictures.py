# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _markup, _run_pictures

DOCS = Path(__file__).resolve().parents[4] / "docs/reports"
SVG = "{http://www.w3.org/2000/svg}"


def boxes(drawn: str, class_: str) -> list[ET.Element]:
    return [each for each in ET.fromstring(drawn).iter(f"{SVG}rect") if each.get("class") == class_]


def right(box: ET.Element) -> float:
    return float(box.get("x", "")) + float(box.get("width", ""))


def test_each_phase_is_a_bar_in_the_order_and_length_of_its_time(example: dict[str, Any]) -> None:
    _budget, *bars = boxes(_run_pictures.phases(example), "bar")
    assert len(bars) == len(example["phases"])
    lefts = [float(each.get("x", "")) for each in bars]
    assert lefts == sorted(lefts)
    restore, exchange = bars[1], bars[8]
    assert float(restore.get("width", "")) > 10 * float(exchange.get("width", ""))


def test_the_outage_is_marked_and_told(example: dict[str, Any]) -> None:
    drawn = _run_pictures.phases(example)
    (outage,) = boxes(drawn, "outage")
    silent = boxes(_run_pictures.answers(example), "bad")
    assert [float(outage.get("x", "")), right(outage)] == [float(silent[0].get("x", "")), right(silent[0])]
    assert "no answer for 1.52 s" in drawn


def test_a_phase_that_failed_says_so_in_words(example: dict[str, Any]) -> None:
    example["phases"][-1]["failed"] = "RollbackError: <unhealthy>"
    drawn = _run_pictures.phases(example)
    assert len(boxes(drawn, "bad")) == 1
    assert "FAILED: RollbackError: &lt;unhealthy&gt;" in drawn


@pytest.mark.parametrize(("duration", "used"), [(900.0, "50% used"), (3600.0, "200% used")])
def test_the_budget_is_drawn_with_what_was_used_of_it(example: dict[str, Any], duration: float, used: str) -> None:
    drawn = _run_pictures.phases({**example, "duration": duration})
    assert used in drawn
    (frame,) = boxes(drawn, "frame")
    used_up = boxes(drawn, "bar")[0] if duration < 1800 else boxes(drawn, "warn")[0]
    assert (right(used_up) > right(frame)) == (duration > 1800)


def test_answers_are_told_apart_by_their_height_too(example: dict[str, Any]) -> None:
    drawn = _run_pictures.answers(example)
    (bad,) = boxes(drawn, "warn")
    assert float(bad.get("height", "")) < float(boxes(drawn, "good")[0].get("height", ""))
    assert "1 times no answer" in (ET.fromstring(drawn).get("aria-label") or "")


@pytest.mark.parametrize("draw", [_run_pictures.phases, _run_pictures.answers])
def test_a_record_that_holds_nothing_is_drawn_empty(draw: Any) -> None:
    assert not list(ET.fromstring(draw({})).iter(f"{SVG}rect"))


@pytest.mark.parametrize("total", [0.05, 3.0, 299.0, 1800.0, 90_000.0])
def test_the_scale_has_a_few_marks_whatever_it_is_of(total: float) -> None:
    texts = list(ET.fromstring(_run_pictures.phases({"duration": total})).iter(f"{SVG}text"))
    assert 2 <= len(texts) <= 10


@pytest.mark.parametrize(("name", "draw"), [("timeline", _run_pictures.phases), ("answers", _run_pictures.answers)])
def test_the_documents_pictures_are_what_reports_show(example: dict[str, Any], name: str, draw: Any) -> None:
    committed = (DOCS / f"{name}.svg").read_text(encoding="utf-8")
    assert committed == _markup.standalone(draw(example)), "run script/example-report"
