# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._retention import expendable
from hypothesis import given
from hypothesis import strategies as st

TODAY = datetime(2026, 11, 20, tzinfo=UTC)


def _points(build: Any, kinds: Sequence[str]) -> list[RestorePoint]:
    """One point a day, the last one today."""
    days = [TODAY - timedelta(days=len(kinds) - 1 - n) for n in range(len(kinds))]
    return [
        build.point(f"v{n}", id=f"p{n}", kind=kind, created=day.isoformat())
        for n, (kind, day) in enumerate(zip(kinds, days, strict=True))
    ]


def _removed(points: list[RestorePoint], **changes: Any) -> list[str]:
    values: dict[str, Any] = {"kept": (), "proven": (), "keep": 2, "max_age_days": None, "today": TODAY, **changes}
    return expendable(points, **values)


def test_points_beyond_the_newest_are_removed_oldest_first(build: Any) -> None:
    assert _removed(_points(build, ["deploy"] * 5)) == ["p0", "p1", "p2"]


def test_nothing_is_removed_while_there_are_few(build: Any) -> None:
    assert _removed(_points(build, ["deploy"] * 2)) == []
    assert _removed([]) == []


def test_states_before_runs_never_push_a_version_out(build: Any) -> None:
    points = _points(build, ["deploy", "deploy", "before", "before", "before"])
    assert _removed(points) == ["p2"]


def test_young_points_stay_whatever_their_number(build: Any) -> None:
    assert _removed(_points(build, ["deploy"] * 10), max_age_days=5) == ["p0", "p1", "p2", "p3", "p4"]


def test_the_newest_proven_point_stays_though_newer_ones_exist(build: Any) -> None:
    assert _removed(_points(build, ["deploy"] * 6), proven={"p0", "p1"}) == ["p0", "p2", "p3"]


@pytest.mark.parametrize("keep", [0, -5])
def test_a_senseless_count_keeps_one(build: Any, keep: int) -> None:
    assert _removed(_points(build, ["deploy"] * 3), keep=keep) == ["p0", "p1"]


@given(data=st.data())
def test_retention_never_removes_what_must_stay(build: Any, data: st.DataObject) -> None:
    points = _points(build, data.draw(st.lists(st.sampled_from(["deploy", "before"]), max_size=25)))
    ids = [point.id for point in points]
    some = st.sets(st.sampled_from(ids)) if ids else st.just(set())
    kept, proven, keep = data.draw(some), data.draw(some), data.draw(st.integers(-2, 8))
    age = data.draw(st.none() | st.integers(0, 30))
    removed = _removed(points, kept=kept, proven=proven, keep=keep, max_age_days=age)
    assert not set(removed) & kept
    deployed_proven = [point.id for point in points if point.kind == "deploy" and point.id in proven]
    assert not set(removed) & set(deployed_proven[-1:])
    for kind in ("deploy", "before"):
        newest = [point.id for point in points if point.kind == kind][-max(keep, 1) :]
        assert not set(removed) & set(newest)
    if age is not None:
        young = {p.id for p in points if TODAY - datetime.fromisoformat(p.created) < timedelta(days=age)}
        assert not set(removed) & young
    # And it does its work: what is left beyond the limits has a reason to be.
    for point in points:
        if point.id not in removed:
            newest = [p.id for p in points if p.kind == point.kind][-max(keep, 1) :]
            is_young = age is not None and TODAY - datetime.fromisoformat(point.created) < timedelta(days=age)
            assert point.id in newest or point.id in kept or point.id == (deployed_proven or [""])[-1] or is_young
