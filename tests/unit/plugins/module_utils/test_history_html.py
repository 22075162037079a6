# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _history, _history_html
from ansible_collections.tiered.rollback.tests.support.page import Page
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_history import row
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_markup import HOSTILE
from hypothesis import given, settings

CHAIN = {"lines": 3, "hash": "ab" * 32}


def read(rows: list[dict[str, Any]]) -> Page:
    page = Page(_history_html.render("shop", rows, _history.by_tier(rows), CHAIN))
    page.refuse_what_is_not_in_it()
    return page


def marks(page: Page) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in page.elements if tag == "path"]


def place(mark: dict[str, str | None]) -> tuple[float, float]:
    x, y = str(mark["transform"]).removeprefix("translate(").removesuffix(")").split(",")
    return float(x), float(y)


def test_the_page_has_figures_stages_every_run_and_the_proof() -> None:
    page = read([row(), row(tier=2, outcome="reverted", outage=None)])
    for told in (
        *("Rollbacks of shop", "tier 1", "1 (100 %)", "0 (0 %)", "errors on every page", "v1.0.0 → v0.9.0", "reverted"),
        *("detect", "unknown", "budget of tier 1", CHAIN["hash"], "2026-11-20 10:00:00 UTC", "images, configuration"),
    ):
        assert str(told) in page.text


def test_a_run_is_a_mark_whose_shape_says_its_outcome() -> None:
    page = read([row(outcome=outcome) for outcome in ("succeeded", "reverted", "failed", "what")])
    shapes = [mark["d"] for mark in marks(page)]
    assert len(set(shapes)) == 3
    # What is not known to have gone well is drawn as a failure.
    assert shapes[3] == shapes[2]


def test_marks_lie_by_date_and_duration() -> None:
    newer = row(started="2026-11-22T10:00:00.000+00:00", duration=1800.0)
    middle = row(started="2026-11-21T10:00:00.000+00:00", duration=30.0)
    places = [place(mark) for mark in marks(read([newer, middle, row(duration=0.0)]))]
    assert places == sorted(places, key=lambda where: (-where[0], where[1]))
    assert len({x for x, _y in places}) == len({y for _x, y in places}) == 3


@pytest.mark.parametrize("rows", [[], [row()], [row(duration=100_000.0)]])
def test_any_number_of_runs_makes_a_page(rows: list[dict[str, Any]]) -> None:
    page = read(rows)
    assert len(marks(page)) == len(rows)
    assert all(0 < y < 320 for _x, y in map(place, marks(page)))


@settings(max_examples=40)
@given(text=HOSTILE)
def test_no_text_of_the_ledger_becomes_markup(text: str) -> None:
    known = read([row()]).tags
    keys = ("run", "reason", "from_version", "to_version", "user", "outcome", "target")
    assert read([row(**dict.fromkeys(keys, text))]).tags == known
