# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.plugin_utils import _told


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (60, "1:00"), (3600, "60:00")])
def test_time_is_told_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert _told.clock(seconds) == text


@pytest.mark.parametrize(("elapsed", "budget", "filled"), [(0, 300, 1), (150, 300, 11), (299, 300, 20), (900, 300, 20)])
def test_the_gauge_shows_the_share_of_the_budget_and_never_overflows(
    elapsed: float, budget: float, filled: int
) -> None:
    text = _told.gauge(elapsed, budget)
    assert text.startswith(" of 5:00 [")
    assert (text.count("#"), text.count("#") + text.count(".")) == (filled, 20)


def test_without_a_budget_there_is_no_gauge() -> None:
    assert _told.gauge(10, None) == ""


def test_a_line_has_time_share_state_and_subject() -> None:
    assert _told.line(65, 300, "ok", "web1: x") == "  1:05 of 5:00 [#####...............] ok       web1: x"


STEP = {"action": "stop_first", "subject": "web", "now": "2", "target": "1", "note": "image"}
BEGUN = {"plan": {"steps": [STEP]}, "from_version": "v2", "to_version": "v1"}


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        (BEGUN, ["v2 -> v1, 1 steps", "stop_first web: 2 -> 1 (image)"]),
        (
            {**BEGUN, "resumed": "r1"},
            ["v2 -> v1, 1 steps", "continues r1, which was not finished", "stop_first web: 2 -> 1 (image)"],
        ),
        ({**BEGUN, "plan": {"steps": []}}, ["v2 -> v1, 0 steps"]),
    ],
)
def test_a_plan_is_a_headline_and_a_line_a_step(facts: dict[str, Any], lines: list[str]) -> None:
    assert _told.plan(facts) == lines


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"name": "checks"}, "checks"),
        ({"name": "containers", "services": ["api", "web"]}, "containers: api, web"),
        ({"name": "configuration", "files": []}, "configuration"),
    ],
)
def test_a_phase_names_what_it_is_about(entry: dict[str, Any], text: str) -> None:
    assert _told.phase(entry) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        ({"done": 3, "total": 12, "unit": "tables"}, "restore shop aside: 3 of 12 tables"),
        ({"done": 2_600_000, "total": 1_000_000_000, "unit": "bytes"}, "restore shop aside: 3 of 1000 MB"),
    ],
)
def test_progress_is_told_in_what_it_is_counted_in(progress: dict[str, Any], text: str) -> None:
    assert _told.progress({"name": "restore shop aside", "progress": progress}) == text
