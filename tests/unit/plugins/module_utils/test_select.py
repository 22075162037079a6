# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _select
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint


@pytest.fixture(scope="module")
def points(build: Any) -> list[RestorePoint]:
    """Three versions, the second captured twice, and the state before a run."""
    return [
        build.point("v1", id="p1"),
        build.point("v2", id="p2a"),
        build.point("v2", id="p2b"),
        build.point("v2", id="before-1", kind="before"),
        build.point("v3", id="p3"),
    ]


ALL = {"p1", "p2a", "p2b", "before-1", "p3"}


@pytest.mark.parametrize(
    ("version", "proven", "current", "wanted"),
    [
        ("v1", ALL, (), "p1"),
        ("v2", ALL, (), "p2b"),
        ("v2", ALL - {"p2b"}, (), "p2a"),
        ("p2a", ALL, (), "p2a"),
        ("before-1", ALL, (), "before-1"),
        ("previous", ALL, {"p3"}, "p2b"),
        ("previous", ALL - {"p2b"}, {"p3"}, "p2a"),
        ("previous", {"p1", "p3"}, {"p3"}, "p1"),
        # After a rollback to v2, the one before v2, not v3 again and not v2's older capture.
        ("previous", ALL, {"p2b"}, "p1"),
        ("previous", ALL, {"p2a", "p2b"}, "p1"),
        # What runs equals no point: the newest proven one.
        ("previous", ALL, (), "p3"),
        ("previous", ALL, {"before-1"}, "p3"),
    ],
)
def test_a_name_finds_its_newest_proven_point(
    points: list[RestorePoint], version: str, proven: set[str], current: set[str], wanted: str
) -> None:
    assert _select.select(version, points, proven, current).id == wanted


def test_previous_skips_a_point_that_was_captured_unhealthy(build: Any) -> None:
    points = [build.point("v1", id="p1"), build.point("v2", id="p2", healthy=False), build.point("v3", id="p3")]
    assert _select.select("previous", points, {"p1", "p2", "p3"}, {"p3"}).id == "p1"


@pytest.mark.parametrize(
    ("version", "proven", "current", "message"),
    [
        ("v9", ALL, (), "no restore point for v9"),
        ("previous", ALL, {"p1"}, "no earlier proven restore point"),
        ("previous", (), {"p3"}, "no earlier proven restore point"),
        ("v2", ALL - {"p2a", "p2b"}, (), "p2b was never proven"),
        ("p1", (), (), "p1 was never proven"),
        ("p-damaged", ALL, (), "restore point p-damaged is damaged"),
    ],
)
def test_a_target_that_cannot_be_had_is_an_error_that_names_what_is_available(
    points: list[RestorePoint], version: str, proven: set[str], current: set[str], message: str
) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _select.select(version, points, proven, current, damaged={"p-damaged"})
    assert "Available: v3, v2, v1." in caught.value.hint


def test_an_unproven_target_says_how_to_prove_it(points: list[RestorePoint]) -> None:
    with pytest.raises(RollbackError) as caught:
        _select.select("v1", points, (), ())
    assert "Capture v1 again while it runs, with restore-point.yml" in caught.value.hint


def test_without_any_point_the_error_says_how_to_capture_one() -> None:
    with pytest.raises(RollbackError) as caught:
        _select.select("v1", [], (), ())
    assert "restore-point.yml" in caught.value.hint


def _entry(run: str, **changes: Any) -> dict[str, Any]:
    values = {"run": run, "kind": "rollback", "outcome": "succeeded", "before": f"before-{run}", "target": f"to-{run}"}
    return {**values, **changes}


@pytest.mark.parametrize(
    ("entries", "current", "run", "wanted"),
    [
        ([_entry("1"), _entry("2")], {"to-2"}, None, "before-2"),
        ([_entry("1"), _entry("2")], {"before-2"}, None, "before-2"),
        ([_entry("1"), _entry("2")], (), "1", "before-1"),
        ([_entry("1"), _entry("2", outcome="reverted")], {"to-1"}, None, "before-1"),
        ([_entry("1"), _entry("2", outcome="failed")], {"to-1"}, None, "before-1"),
        ([_entry("1"), _entry("2", kind="undo", target="before-1")], {"before-1"}, None, "before-1"),
        ([_entry("1"), _entry("2", kind="undo")], (), "2", "before-2"),
        # A migration that was rolled back is undone only where it is named, and hides no rollback after it.
        ([_entry("1"), _entry("2", kind="migration", target="")], {"to-1"}, "2", "before-2"),
        ([_entry("1"), _entry("2", kind="migration", target="")], {"to-1"}, "1", "before-1"),
        ([_entry("1", kind="migration", target=""), _entry("2")], {"to-2"}, None, "before-2"),
    ],
)
def test_undo_goes_to_the_state_before_the_run(
    entries: list[dict[str, Any]], current: set[str], run: str | None, wanted: str
) -> None:
    assert _select.undo(entries, current, run)["before"] == wanted


@pytest.mark.parametrize(
    ("entries", "run", "message", "hint"),
    [
        ([], None, "there is no rollback to undo", "status.yml"),
        ([_entry("1", kind="undo")], None, "there is no rollback to undo", "status.yml"),
        ([_entry("1", outcome="reverted")], None, "there is no rollback to undo", "status.yml"),
        ([_entry("1", before=None)], None, "there is no rollback to undo", "status.yml"),
        ([], "9", "no run 9 that could be undone", "none"),
        ([_entry("1"), _entry("2")], "9", "no run 9 that could be undone", "1, 2"),
        ([_entry("1", outcome="failed")], "1", "no run 1 that could be undone", "none"),
        ([_entry("1")], None, "the stack was changed after run 1", "undo.yml -e run=1"),
        ([_entry("1", kind="migration", target="")], None, "there is no rollback to undo", "status.yml"),
        ([_entry("1", kind="migration", outcome="failed")], "1", "no run 1 that could be undone", "none"),
    ],
)
def test_an_undo_that_cannot_be_is_refused_with_what_can(
    entries: list[dict[str, Any]], run: str | None, message: str, hint: str
) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _select.undo(entries, {"something-deployed-since"}, run)
    assert hint in caught.value.hint


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_rollback_after_which_a_migration_was_rolled_back_is_not_undone_unless_named(outcome: str) -> None:
    entries = [_entry("1"), _entry("2", kind="migration", target="", outcome=outcome), _entry("3", kind="undo")]
    with pytest.raises(RollbackError, match="the stack was changed after run 1") as caught:
        _select.undo(entries, {"to-1", "before-1"}, None)
    assert "undo.yml -e run=1" in caught.value.hint


@pytest.mark.parametrize(
    ("entries", "phase", "current", "wanted"),
    [
        ([("p/1", "succeeded", "t1"), ("p/2", "succeeded", "t2")], "p/1", {"t2"}, True),
        ([("p/1", "succeeded", "t1"), ("p/2", "succeeded", "t2")], "p/2", {"t2"}, True),
        # Where the stack was changed since, by whatever, the phases begin anew.
        ([("p/1", "succeeded", "t1"), ("p/2", "succeeded", "t2")], "p/1", {"t1"}, False),
        ([("p/1", "succeeded", "t1"), (None, "succeeded", "t2")], "p/1", {"t1"}, False),
        ([("p/1", "succeeded", "t1"), ("q/1", "succeeded", "t2")], "p/1", {"t2"}, False),
        # A phase that failed put back what the one before had come to.
        ([("p/1", "succeeded", "t1"), ("p/2", "reverted", "t2")], "p/1", {"t1"}, True),
        ([("p/1", "succeeded", "t1"), ("p/2", "reverted", "t2")], "p/2", {"t1"}, False),
        ([("p/1", "reverted", "t1")], "p/1", {"t1"}, False),
        ([], "p/1", set(), False),
    ],
)
def test_a_phase_that_stands_is_not_done_again(
    entries: list[tuple[str | None, str, str]], phase: str, current: set[str], wanted: bool
) -> None:
    ledger = [{"phase": name, "outcome": outcome, "target": target} for name, outcome, target in entries]
    assert _select.phase_done(ledger, phase, current) is wanted
