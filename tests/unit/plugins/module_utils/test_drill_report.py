# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _drill_report,
    _history,
    _ledger,
    _outcome,
    _report_html,
    _reports,
    _select,
    _telling,
)

PLAN: dict[str, Any] = {
    "name": "drill-shop-1",
    "stack": "shop",
    "fault": "container_kill",
    "does": "a container is killed",
    "service": "web",
    "seed": 7,
    "tier": 1,
    "budget": 300,
    "without": ["mail"],
    "unasked": ["https://shop.example/"],
    "schema_compatible": False,
    "from_version": "v1.0.0",
    "version": "v0.9.0",
    "point": "v0.9.0-20261120T100000Z",
    "left_out": ["/opt/shop/link"],
}
FAULT: dict[str, Any] = {
    "injected": "2026-11-20T10:00:20.000+00:00",
    "noticed": "web is gone",
    "noticed_after": 0.4,
    "said": "web-1: a container is killed",
    "probe": {},
}
TABLE = {"table": "orders", "added": 3, "removed": 0, "changed": 0}


@pytest.fixture
def rolled(example: dict[str, Any]) -> dict[str, Any]:
    """The record of a tier that began ten seconds after the drill, and ended five later."""
    phases = [{"name": "preflight", "after": 10.0, "seconds": 1.0}, {"name": "checks", "after": 14.0, "seconds": 1.0}]
    ended = {"started": "2026-11-20T10:00:12.000+00:00", "ended": "2026-11-20T10:00:27.000+00:00", "duration": 15.0}
    return {**example, **ended, "phases": phases, "outcome": "succeeded", "error": None}


def make(build: Any, rolled: Any, fault: Any = "injected", **found: Any) -> dict[str, Any]:
    run = build.run(1, playbook="drill.yml")
    return _drill_report.record(
        run, PLAN, FAULT if fault == "injected" else fault, rolled, found, "2026-11-20T10:00:30.000+00:00"
    )


def test_a_drill_that_succeeded_is_measured_from_where_the_tier_began(build: Any, rolled: Any) -> None:
    full = make(build, rolled, data={"shop": [TABLE]}, checks=[{"name": "web", "ok": True, "found": "as wanted"}])
    assert (full["outcome"], full["error"]) == ("succeeded", None)
    assert (full["duration"], full["drill"]["recovered_after"]) == (5.0, 7.0)
    assert [phase["after"] for phase in full["phases"]] == [0.0, 4.0]
    text = _drill_report.markdown(full)
    for told in ("Drill succeeded", "1: 5.0 s of 300 s", "after 0.4 s", "https://shop.example/", "/opt/shop/link"):
        assert told in text
    assert "drill.yml -e fault=container_kill -e seed=7 -e service=web" in text
    assert _telling.headline(full) == "shop: the drill (tier 1) succeeded"


@pytest.mark.parametrize(
    ("changes", "found", "told"),
    [
        ({"outcome": "reverted", "error": "it does not get healthy"}, {}, "tier 1 failed: it does not get healthy"),
        ({"duration": 400.0}, {}, "tier 1 took 390.0 s, more than its 300 s"),
        ({}, {"checks": [{"name": "web", "ok": False, "found": "status 500"}]}, "web: status 500"),
        ({}, {"data": {"shop": [{**TABLE, "removed": 2}]}}, "shop: orders lacks 2 rows of the restore point"),
        ({}, {"data": {"shop": [{**TABLE, "changed": 1}]}}, "has 1 changed"),
        ({}, {"error": "the copy does not get well"}, "the copy does not get well"),
    ],
)
def test_whatever_went_wrong_makes_it_fail(
    build: Any, rolled: Any, changes: dict[str, Any], found: dict[str, Any], told: str
) -> None:
    full = make(build, {**rolled, **changes}, **found)
    assert full["outcome"] == "failed"
    assert told in full["error"]
    text = _drill_report.markdown(full)
    assert "Drill FAILED" in text
    assert told in text
    assert "headline" not in _telling.headline(full)
    assert _telling.headline(full) == "shop: the drill (tier 1) failed"


def test_one_that_did_not_come_to_a_rollback_is_recorded_too(build: Any) -> None:
    full = make(build, None, None)
    assert (full["outcome"], full["error"]) == ("failed", "it did not come to a rollback")
    assert "not" in _drill_report.markdown(full)
    assert "the drill (tier 1) failed" in _report_html.render(full, _drill_report.next_steps(full))


def test_a_fault_that_nothing_noticed_is_said(build: Any, rolled: Any) -> None:
    full = make(build, rolled, {**FAULT, "noticed": None, "noticed_after": None})
    assert "No check noticed the fault: add one that does." in _drill_report.next_steps(full)
    assert "by nothing" in _drill_report.markdown(full)


def test_nothing_follows_from_a_drill_for_the_stack(build: Any, rolled: Any, tmp_path: Path) -> None:
    real = {"run": "r1", "kind": "rollback", "outcome": "succeeded", "before": "before-r1", "target": "t"}
    real |= {"phase": "plan/1", "tier": 1, "started": "2026-11-20", "duration": 2.0, "outage": None, "reason": ""}
    _ledger.append(tmp_path, real)
    line = _ledger.append(tmp_path, _outcome.summary(make(build, rolled)))
    assert (line["kind"], line["before"]) == ("drill", None)
    assert "databases" not in line
    assert [entry["run"] for entry in _ledger.runs(tmp_path)] == ["r1"]
    assert len(_ledger.entries(tmp_path)) == 2
    assert _select.undo(_ledger.runs(tmp_path), {"t"}, None)["run"] == "r1"
    assert _select.phase_done(_ledger.runs(tmp_path), "plan/1", {"t"})


def test_a_drill_stands_by_itself_in_the_history(build: Any, rolled: Any) -> None:
    line = {**_outcome.summary(make(build, rolled)), "fault": "container_kill"}
    row = _history.row(line, {})
    assert row["method"] == "drill: container_kill"
    other = {**row, "kind": "rollback"}
    assert [tier["group"] for tier in _history.by_tier([row, other])] == ["tier 1", "drill 1"]


def test_no_incident_report_is_written_of_a_drill(build: Any, rolled: Any, tmp_path: Path) -> None:
    full = make(build, rolled)
    warned: list[str] = []
    report = _reports.write(tmp_path, full, _drill_report.markdown, _drill_report.next_steps, warned.append)
    assert warned == []
    assert sorted(path.name.partition(".")[2] for path in report.parent.iterdir()) == ["html", "json", "md"]


def test_what_a_drill_states_in_a_persons_place_is_told(
    build: Any, rolled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "schema_compatible" not in _drill_report.markdown(make(build, rolled))
    monkeypatch.setitem(PLAN, "schema_compatible", True)
    text = _drill_report.markdown(make(build, rolled))
    assert "| stated | -e schema_compatible=true: the server that is hit cannot be asked |" in text
    assert "- [ ] In an emergency too Tier 1 needs `-e schema_compatible=true`" in text
