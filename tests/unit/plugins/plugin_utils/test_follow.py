# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.plugin_utils import _follow
from ansible_collections.tiered.rollback.plugins.plugin_utils._follow import Follower

FACTS = {"from_version": "v2", "to_version": "v1", "resumed": None, "plan": {"steps": []}}
STEP = {"action": "stop_first", "subject": "web", "now": "2", "target": "1", "note": ""}
PLANNED = {**FACTS, "plan": {"steps": [STEP]}}


def _journal(*names: str, run: str = "r1") -> dict[str, Any]:
    return {"run": {"id": run}, "facts": PLANNED, "steps": [{"name": name, "run": run} for name in names]}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_follow, "_POLL", 0.001)


def _follow_all(*readings: dict[str, Any] | None) -> tuple[Follower, list[str]]:
    """Let a follower read each of these once, then go on reading the last."""
    told: list[str] = []
    script, over = list(readings), threading.Event()

    def read() -> dict[str, Any] | None:
        if len(script) == 1:
            over.set()
        return script.pop(0) if len(script) > 1 else script[0]

    follower = Follower(
        "r1", read, lambda text, budget=None, detail=False: told.append(f"  {text}" if detail else text)
    )
    with follower:
        assert over.wait(10)
        # Once more after the last reading, so that what it held has been told.
        over.clear()
        assert over.wait(10)
    return follower, told


PLAN = ["v2 -> v1, 1 steps", "  stop_first web: 2 -> 1"]


def test_the_plan_and_then_each_phase_are_told_once_as_they_come() -> None:
    _follower, told = _follow_all(
        None, _journal("preflight"), _journal("preflight", "images"), _journal("preflight", "images", "containers")
    )
    assert told == [*PLAN, "images", "containers"]


def test_the_journal_of_another_run_is_not_told() -> None:
    _follower, told = _follow_all(_journal("preflight", "images", run="r0"))
    assert told == []


def test_the_steps_of_the_killed_run_before_are_not_told_again() -> None:
    journal = _journal("preflight", "images")
    journal["steps"].insert(0, {"name": "containers", "run": "r0"})
    assert _follow_all(journal)[1] == [*PLAN, "images"]


def test_what_was_too_quick_to_be_seen_is_told_from_the_answer() -> None:
    follower, told = _follow_all(_journal("preflight", "images"))
    follower.tell_rest({"record": {**PLANNED, "phases": [{"name": n} for n in ("preflight", "images", "checks")]}})
    assert told == [*PLAN, "images", "checks"]


def test_in_check_mode_the_plan_is_told_from_the_answer() -> None:
    follower, told = _follow_all(None)
    follower.tell_rest({**PLANNED, "record": {}})
    assert told == PLAN


def test_where_nothing_is_to_be_done_that_is_said() -> None:
    follower, told = _follow_all(None)
    follower.tell_rest({**FACTS, "needed": False, "target": "p1", "record": {}})
    assert told == ["v1 (p1) is what runs already; nothing was changed"]


def test_where_there_is_no_plan_nothing_is_told() -> None:
    follower, told = _follow_all(None)
    follower.tell_rest({"failed": True, "msg": "no such version"})
    assert told == []


def test_the_progress_of_long_work_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = {**_journal("preflight", "copy shop"), "facts": {}}
    journal["steps"][-1]["progress"] = {"done": 1, "total": 4, "unit": "tables"}
    assert _follow_all(journal)[1] == ["copy shop"]
    monkeypatch.setattr(_follow, "_PROGRESS", 0.0)
    _follower, told = _follow_all(journal)
    assert told[:2] == ["copy shop", "copy shop: 1 of 4 tables"]
