# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _history
from hypothesis import given
from hypothesis import strategies as st


def entry(**changes: Any) -> dict[str, Any]:
    values = {
        "run": "20261120T100000Z-000001",
        "started": "2026-11-20T10:00:00.000+00:00",
        "reason": "errors on every page",
        "kind": "rollback",
        "tier": 1,
        "from_version": "v1.0.0",
        "to_version": "v0.9.0",
        "user": "olga",
        "duration": 5.0,
        "outage": 0.2,
        "outcome": "succeeded",
        "target": "v0.9.0-x",
    }
    return {**values, **changes}


def row(**changes: Any) -> dict[str, Any]:
    return _history.row(entry(**changes), {})


PHASES = [{"name": "containers", "seconds": 3.0}, {"name": "checks", "seconds": 1.5}]


def test_stages_are_what_the_report_says_and_the_rest_is_unknown() -> None:
    stages = _history.row(entry(), {"duration": 5.0, "phases": PHASES, "decision": {"approval_seconds": 40.0}})[
        "stages"
    ]
    assert stages == {"detect": None, "decide": None, "approve": 40.0, "execute": 3.5, "verify": 1.5}
    assert set(row()["stages"].values()) == {None}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((None, None, None), True),
        ((1, "rollback", "2026-11-20"), True),
        ((2, None, None), False),
        ((None, "undo", None), False),
        ((None, None, "2026-11-21"), False),
    ],
)
def test_a_run_is_told_where_all_that_is_asked_for_holds(asked: tuple[Any, ...], told: bool) -> None:
    assert _history.wanted(entry(), *asked) is told


def test_figures_are_by_tier_and_of_ci_apart() -> None:
    rows = [row(), row(tier=2), row(kind="ci", tier=3, outage=None), row(tier=3, scope=["api"]), row()]
    assert [(tier["group"], tier["runs"]) for tier in _history.by_tier(rows)] == [
        ("tier 1", 2),
        ("tier 2", 1),
        ("tier 3", 1),
        ("CI", 1),
    ]


def test_durations_are_those_of_runs_that_succeeded() -> None:
    rows = [row(duration=float(number)) for number in range(1, 21)]
    (figures,) = _history.by_tier([*rows, row(duration=900.0, outcome="failed", outage=7.0)])
    keys = ("runs", "succeeded", "success_rate", "median", "p95", "mttr", "longest_outage")
    assert [figures[key] for key in keys] == [21, 20, 95.2, 10.5, 19.0, 10.5, 7.0]


def test_a_tier_in_which_nothing_succeeded_has_no_durations() -> None:
    (figures,) = _history.by_tier([row(outcome="reverted", outage=None)])
    assert (figures["success_rate"], figures["median"], figures["p95"], figures["mttr"]) == (0.0, None, None, None)
    assert figures["longest_outage"] is None


def test_a_stage_is_the_mean_of_the_runs_that_know_it() -> None:
    known = [_history.row(entry(), {"duration": float(took), "phases": PHASES}) for took in (5, 7)]
    (figures,) = _history.by_tier([*known, row()])
    assert figures["stages"]["execute"] == {"seconds": 4.5, "runs": 2}
    assert figures["stages"]["detect"] == {"seconds": None, "runs": 0}


@pytest.mark.parametrize(("kinds", "runs"), [(["rollback", "undo"], 1), (["undo", "undo"], 2)])
def test_undos_count_only_where_there_is_nothing_else(kinds: list[str], runs: int) -> None:
    assert _history.by_tier([row(kind=kind) for kind in kinds])[0]["runs"] == runs


def test_no_run_has_no_figures() -> None:
    assert _history.by_tier([]) == []


@given(reason=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\x00")))
def test_what_a_person_wrote_is_read_back_from_csv_and_is_no_formula(reason: str) -> None:
    head, cells = csv.reader(io.StringIO(_history.as_csv([row(reason=reason)]), newline=""))
    found = dict(zip(head, cells, strict=True))
    assert found["reason"].removeprefix("'") == reason.removeprefix("'")
    assert not found["reason"].startswith(("=", "+", "-", "@"))
    assert (found["duration"], found["detect"], found["method"]) == ("5.0", "", "images, configuration")


def test_deployments_are_counted_apart_and_a_release_from_quarantine_is_no_run() -> None:
    def row(kind: str, tier: int | None) -> dict[str, Any]:
        entry = {"kind": kind, "tier": tier, "duration": 1.0, "outage": None, "outcome": "succeeded"}
        return _history.row(entry, {})

    rows = [row("deploy", None), row("rollback", 1), row("quarantine", None)]
    assert [(each["group"], each["runs"]) for each in _history.by_tier(rows)] == [("tier 1", 1), ("deploy", 1)]
