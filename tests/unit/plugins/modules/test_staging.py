# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _lock, _staging
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import stack_switch, staging

GONE = {"pid": 2**22 + 1}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, deployment: Any) -> list[Any]:
    """What Compose and the engine are told instead of doing it."""
    said: list[Any] = []
    monkeypatch.setattr(_staging, "compose", lambda _plan, *args, **_options: said.append(args) or "")
    monkeypatch.setattr(_staging, "docker", lambda *args, **_options: said.append(args) or "")
    monkeypatch.setattr(_staging, "wait", lambda *_: None)
    return said


def test_a_copy_is_made_and_removed(drilled: Any, deployment: Any) -> None:
    files = {path: path.read_bytes() for path in deployment.src.rglob("*") if path.is_file()}
    made = staging.act(drilled())
    assert made["changed"] is True
    assert _staging.remains(deployment.state) == [made["plan"]["name"]]
    assert _lock.holder(deployment.state / "drill") is not None
    gone = staging.act(drilled(state="absent"))
    assert gone["actions"] == [f"remove staging copy {made['plan']['name']}"]
    assert _staging.remains(deployment.state) == []
    assert _lock.holder(deployment.state / "drill") is None
    assert staging.act(drilled(state="absent"))["changed"] is False
    assert {path: path.read_bytes() for path in deployment.src.rglob("*") if path.is_file()} == files


def test_check_mode_makes_nothing(drilled: Any, deployment: Any, told: list[Any]) -> None:
    before = deployment.trees()
    ctx = drilled()
    ctx.module.check_mode = True
    assert staging.act(ctx)["actions"] == ["make staging copy drill-shop-20261120t100000z-000001"]
    ctx.module.params["state"] = "absent"
    assert staging.act(ctx)["actions"] == []
    assert deployment.trees() == before
    assert told == []


def test_a_second_drill_is_refused_while_the_first_lives_and_touches_nothing_of_it(
    drilled: Any, deployment: Any
) -> None:
    first = staging.act(drilled(1))
    lock = deployment.state / "drill/lock"
    assert json.loads(lock.read_text())["until"] > time.time() + 365 * 86400
    with pytest.raises(RollbackError, match="a drill of this stack is under way") as caught:
        staging.act(drilled(2))
    assert caught.value.facts["lock_holder"]["id"].endswith("000001")
    assert str(lock) in caught.value.hint
    with pytest.raises(RollbackError):
        staging.act(drilled(3, state="absent", remains=True))
    # What could not begin has nothing to remove, and does not free the other's lock.
    assert staging.act(drilled(2, state="absent"))["changed"] is False
    assert _lock.holder(deployment.state / "drill") is not None
    assert _staging.remains(deployment.state) == [first["plan"]["name"]]


@pytest.mark.parametrize(("state", "left"), [("present", 1), ("absent", 0)])
def test_what_a_killed_drill_left_is_removed_by_the_next_and_by_cleanup(
    drilled: Any, deployment: Any, state: str, left: int
) -> None:
    killed = staging.act(drilled(1, holder=GONE))
    found = staging.act(drilled(2, state=state, remains=True))
    assert f"remove staging copy {killed['plan']['name']}" in found["actions"]
    assert len(_staging.remains(deployment.state)) == left
    assert not Path(killed["plan"]["root"]).exists()


def test_one_of_another_controller_is_taken_over_only_where_that_says_it_is_dead(drilled: Any) -> None:
    elsewhere = {"boot": "00000000-0000-0000-0000-000000000000"}
    first = drilled(1, holder=elsewhere)
    staging.act(first)
    with pytest.raises(RollbackError, match="under way"):
        staging.act(drilled(2))
    assert staging.act(drilled(2, dead_run=first.run.id))["changed"] is True


def test_one_that_could_not_be_made_leaves_the_lock_to_the_removal(
    drilled: Any, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RollbackError, match="no service is called nobody"):
        staging.act(drilled(1, without=["nobody"]))
    staging.act(drilled(1, state="absent"))
    assert _lock.holder(deployment.state / "drill") is None
    monkeypatch.setattr(_staging, "wait", _fail)
    with pytest.raises(RollbackError, match="does not get well"):
        staging.act(drilled(1))
    assert staging.act(drilled(1, state="absent"))["changed"] is True
    assert _staging.remains(deployment.state) == []


def _fail(*_: Any) -> None:
    raise RollbackError("the staging copy does not get well")


def test_the_tier_cannot_be_run_on_production_in_a_drill(drilled: Any, deployment: Any) -> None:
    before = deployment.trees()
    ctx = drilled()
    ctx.drills = False
    ctx.module.params |= {
        "kind": "rollback",
        "version": "v0.9.0",
        "components": [],
        "flags": {},
        "config": None,
        "keep": [],
        "snapshot": None,
        "levels": None,
        "checks": [],
    }
    with pytest.raises(RollbackError, match="this is a drill, and shop is not its staging copy"):
        stack_switch.act(ctx)
    assert deployment.trees() == before
    assert deployment.world.calls == []
