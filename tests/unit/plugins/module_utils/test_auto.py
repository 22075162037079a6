# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _auto
from ansible_collections.tiered.rollback.plugins.module_utils._auto import ESCALATE, NOTHING, ROLL_BACK, Event, Seen
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import ISSUES
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint

_NOW = "2026-11-22T12:00:00.000+00:00"
_FAILING = Event(source="url_health", severity="high", issue="health_check_failure", service="api")


def _ran(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A line of the ledger: v1.0.0 was rolled back from by an event, an hour ago."""
    return {
        "run": f"20261122T110000Z-{number:06x}",
        "kind": "rollback",
        "outcome": "succeeded",
        "from_version": "v1.0.0",
        "to_version": "v0.9.0",
        "target": "v0.9.0-id",
        "before": f"before-{number}",
        "started": "2026-11-22T11:00:00.000+00:00",
        "ended": "2026-11-22T11:00:05.000+00:00",
        "event": {"source": "url_health"},
        **changes,
    }


@pytest.fixture
def points(build: Any) -> dict[str, RestorePoint]:
    """Three versions that were deployed one after the other."""
    versions = ("v0.8.0", "v0.9.0", "v1.0.0")
    return {version: build.point(version, id=f"{version}-id") for version in versions}


@pytest.fixture
def seen(points: dict[str, RestorePoint]) -> Seen:
    """v1.0.0 runs, of which there is no restore point yet, and fails."""
    known = [points["v0.8.0"], points["v0.9.0"]]
    return Seen(
        entries=[],
        points=known,
        proven={point.id for point in known},
        current=set(),
        running="v1.0.0",
        healthy=False,
        databases=False,
    )


def _journal(build: Any, **changes: Any) -> Journal:
    values: dict[str, Any] = {
        "path": Path("/nowhere"), "run": build.run(7), "kind": "rollback", "tier": 1, "target": "v0.8.0-id",
        "before": "before-7", "facts": {"event": {"source": "url_health"}},
    }  # fmt: skip
    return Journal(**{**values, **changes})


def test_what_fails_goes_back_to_the_last_good_restore_point(seen: Seen) -> None:
    verdict = _auto.decide(_FAILING, seen, _NOW)
    assert (verdict.action, verdict.target, verdict.tiers) == (ROLL_BACK, "v0.9.0-id", (1, 2))
    assert verdict.why == "url_health: high/health_check_failure of api"
    assert verdict.decision is not None
    assert verdict.decision["row"] == "high/health_check_failure"


def test_what_is_healthy_is_left_alone(seen: Seen) -> None:
    verdict = _auto.decide(_FAILING, replace(seen, healthy=True), _NOW)
    assert (verdict.action, verdict.why) == (NOTHING, "v1.0.0 is healthy")
    named = replace(_FAILING, version="v1.0.0")
    assert _auto.decide(named, replace(seen, healthy=True), _NOW).action == NOTHING


def test_an_event_about_another_version_than_runs_is_out_of_date(seen: Seen) -> None:
    verdict = _auto.decide(replace(_FAILING, version="v0.7.0"), seen, _NOW)
    assert (verdict.action, verdict.why) == (NOTHING, "it is about v0.7.0, and v1.0.0 runs")
    assert _auto.decide(replace(_FAILING, version="v1.0.0"), seen, _NOW).action == ROLL_BACK


def test_what_no_check_of_the_stack_sees_needs_the_version_that_it_is_about(seen: Seen) -> None:
    well, event = replace(seen, healthy=True), Event(source="alertmanager", issue="data_corruption")
    assert _auto.decide(event, well, _NOW).action == ESCALATE
    assert _auto.decide(replace(event, version="v1.0.0"), well, _NOW).action == ROLL_BACK


@pytest.mark.parametrize("kind", ["rollback", "undo"])
@pytest.mark.parametrize("event", [None, {"source": "url_health"}])
def test_what_a_rollback_came_to_is_never_rolled_back_by_itself(seen: Seen, kind: str, event: Any) -> None:
    after = replace(seen, entries=[_ran(kind=kind, event=event)], current={"v0.9.0-id"}, running="v0.9.0")
    verdict = _auto.decide(_FAILING, after, _NOW)
    assert verdict.action == ESCALATE
    assert f"({'automatic ' if event else ''}{kind}) took the stack to v0.9.0, which fails as well" in verdict.why
    assert verdict.told is None


@pytest.mark.parametrize("outcome", ["reverted", "failed"])
def test_a_rollback_that_did_not_get_healthy_is_not_tried_again(seen: Seen, outcome: str) -> None:
    after = replace(seen, entries=[_ran(outcome=outcome)], current={"before-1"})
    verdict = _auto.decide(_FAILING, after, _NOW)
    assert (verdict.action, verdict.told) == (ESCALATE, "2026-11-22T11:00:05.000+00:00")
    by_hand = replace(seen, entries=[_ran(outcome=outcome, event=None)], current={"before-1"})
    assert _auto.decide(_FAILING, by_hand, _NOW).told is None


def test_a_version_that_was_deployed_since_is_rolled_back_and_never_to_one_that_was_rolled_back_from(
    seen: Seen, points: dict[str, RestorePoint]
) -> None:
    # v1.0.0 had a restore point of its own before it failed.
    known = replace(
        seen, entries=[_ran()], points=list(points.values()), proven={"v0.9.0-id", "v1.0.0-id"}, running="v1.0.1"
    )
    verdict = _auto.decide(_FAILING, known, _NOW)
    assert (verdict.action, verdict.target) == (ROLL_BACK, "v0.9.0-id")


def test_what_concerned_a_part_only_says_nothing_of_the_whole(seen: Seen) -> None:
    part = replace(seen, entries=[_ran(scope=["api"])], current={"v0.9.0-id"})
    assert "fails as well" not in _auto.decide(_FAILING, part, _NOW).why


def test_three_automatic_rollbacks_in_a_day_are_enough(seen: Seen) -> None:
    entries = [_ran(number, target="gone") for number in range(3)]
    assert "3 automatic rollbacks within a day" in _auto.decide(_FAILING, replace(seen, entries=entries), _NOW).why
    old = [{**entry, "started": "2026-11-20T11:00:00.000+00:00"} for entry in entries]
    assert _auto.decide(_FAILING, replace(seen, entries=old), _NOW).action == ROLL_BACK
    by_hand = [{**entry, "event": None} for entry in entries]
    assert _auto.decide(_FAILING, replace(seen, entries=by_hand), _NOW).action == ROLL_BACK


def test_where_there_is_nothing_to_go_back_to_people_are_called(seen: Seen) -> None:
    for without in (replace(seen, points=[]), replace(seen, proven=set()), replace(seen, running="v0.8.0")):
        verdict = _auto.decide(_FAILING, without, _NOW)
        assert verdict.action == ESCALATE
        assert "no proven restore point before" in verdict.why


def test_the_matrix_says_which_tiers_and_whether_people_decide(seen: Seen) -> None:
    def asked(databases: bool = True, **given: Any) -> Any:
        return _auto.decide(Event(source="alertmanager", **given), replace(seen, databases=databases), _NOW)

    assert asked(severity="P0", issue="service_outage").tiers == (1, 2)
    lead = asked(severity="P1", issue="feature_broken")
    assert lead.action == ESCALATE
    assert "needs the approval of the team lead" in lead.why
    assert "tier2-standard.yml" in lead.hint
    assert "approved_by=NAME" in lead.hint
    monitor = asked(severity="P2", issue="performance_minor")
    assert (monitor.action, monitor.tiers) == (ESCALATE, ())
    assert "monitor" in monitor.why
    unknown = asked(severity="P0", issue="moon_phase")
    assert (unknown.action, "no issue 'moon_phase'" in unknown.why) == (ESCALATE, True)
    assert asked(severity="P0", issue="ci_broken").action == ESCALATE


@pytest.mark.parametrize(
    ("severity", "issue", "databases"),
    [*product([None, "P0", "P1", "P2", "low"], ISSUES, [True, False])],
)
def test_nothing_that_the_matrix_wants_people_for_is_ever_done_without_them(
    severity: str | None, issue: str, databases: bool, seen: Seen
) -> None:
    verdict = _auto.decide(
        Event(source="alertmanager", severity=severity, issue=issue), replace(seen, databases=databases), _NOW
    )
    if verdict.action == ROLL_BACK:
        assert verdict.decision is not None
        assert not verdict.decision["asked"]
        assert verdict.decision["allowed"]
    else:
        assert verdict.action == ESCALATE


def test_our_own_run_that_was_killed_is_continued_healthy_or_not(seen: Seen, build: Any) -> None:
    for healthy in (True, False):
        verdict = _auto.decide(_FAILING, replace(seen, healthy=healthy, unfinished=_journal(build, tier=2)), _NOW)
        assert (verdict.action, verdict.target, verdict.tiers) == (ROLL_BACK, "v0.8.0-id", (2,))


def test_what_a_person_began_a_person_ends(seen: Seen, build: Any) -> None:
    theirs = replace(seen, unfinished=_journal(build, facts={}))
    assert _auto.decide(_FAILING, theirs, _NOW).action == ESCALATE
    assert _auto.decide(_FAILING, replace(theirs, healthy=True), _NOW).action == NOTHING
    undo = replace(seen, unfinished=_journal(build, kind="undo"))
    assert _auto.decide(_FAILING, undo, _NOW).action == ESCALATE


def test_our_own_run_that_failed_half_way_is_not_continued_again_and_again(seen: Seen, build: Any) -> None:
    journal = _journal(build)
    failed = replace(seen, unfinished=journal, entries=[_ran(run=journal.run.id, outcome="failed")])
    verdict = _auto.decide(_FAILING, failed, _NOW)
    assert (verdict.action, "failed half-way" in verdict.why) == (ESCALATE, True)


def test_a_version_that_people_released_is_gone_to_again(seen: Seen, points: dict[str, RestorePoint]) -> None:
    released = {"kind": "quarantine", "release": "v1.0.0", "outcome": "succeeded", "run": "released"}
    known = replace(seen, points=list(points.values()), proven={"v1.0.0-id"}, running="v1.0.1")
    assert _auto.decide(_FAILING, replace(known, entries=[_ran()]), _NOW).action == ESCALATE
    verdict = _auto.decide(_FAILING, replace(known, entries=[_ran(), released]), _NOW)
    assert (verdict.action, verdict.target) == (ROLL_BACK, "v1.0.0-id")


def test_the_goal_is_older_than_what_runs_healthy_proven_and_not_quarantined(
    points: dict[str, RestorePoint], build: Any
) -> None:
    all_of_them, proven = list(points.values()), {point.id for point in points.values()}

    def found(current: set[str], running: str, quarantined: Any = (), **changes: Any) -> str | None:
        known = [replace(point, **changes) if point.version == "v0.9.0" else point for point in all_of_them]
        goal = _auto.goal(known, proven, current, running, quarantined)
        return goal.version if goal else None

    assert found({"v1.0.0-id"}, "v1.0.0") == "v0.9.0"
    assert found(set(), "v1.0.1") == "v1.0.0"
    assert found({"v1.0.0-id"}, "v1.0.0", quarantined={"v0.9.0"}) == "v0.8.0"
    assert found({"v1.0.0-id"}, "v1.0.0", healthy=False) == "v0.8.0"
    assert found({"v1.0.0-id"}, "v1.0.0", kind="before") == "v0.8.0"
    assert found({"v0.8.0-id"}, "v0.8.0") is None


def test_people_are_called_once_per_outage_and_reminded_a_bounded_number_of_times() -> None:
    memory: dict[str, Any] | None = None
    calls = []
    for minute in range(0, 300, 5):
        now = f"2026-11-22T{12 + minute // 60:02}:{minute % 60:02}:00.000+00:00"
        called, memory = _auto.call(memory, "v1 after 1 runs", now, f"run-{minute}", reminders=3, remind_after=1800)
        calls += [minute] * called
    assert calls == [0, 30, 60, 90]
    assert memory is not None
    assert memory["run"] == "run-0"
    called, memory = _auto.call(memory, "v2 after 2 runs", _NOW, "another", reminders=3, remind_after=1800)
    assert (called, memory["run"], memory["calls"]) == (True, "another", 1)
