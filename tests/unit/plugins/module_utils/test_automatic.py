# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _automatic, _begin, _data_gate, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_EVENT = {
    "source": "url_health",
    "severity": "high",
    "issue": "health_check_failure",
    "service": "api",
    "version": None,
    "reminders": 1,
    "remind_after": 0,
}


def _switch(operator: Any, number: int = 1, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    event = {**_EVENT, **changes}
    return dict(operator.switch(number, check_mode=check_mode, version=None, event=event))


def _break(operator: Any, version: str) -> None:
    """Make every container of a version unhealthy, those that run and those to come."""
    world, sick = operator.deployment.world, operator.build.image_id(version)
    world.sick.add(sick)
    world.running = [replace(c, health="unhealthy") if c.image_id == sick else c for c in world.running]


def _all(operator: Any, version: str) -> dict[str, str]:
    return dict.fromkeys(("api", "web"), operator.build.image_id(version))


def test_what_fails_goes_back_and_the_ledger_says_what_asked_for_it(operator: Any) -> None:
    _break(operator, "v1.0.0")
    result = _switch(operator)
    assert operator.deployment.running() == _all(operator, "v0.9.0")
    assert (result["auto"]["action"], result["auto"]["call"], result["needed"]) == ("roll back", False, True)
    (entry,) = _ledger.entries(operator.deployment.state)
    assert entry["event"] == {key: _EVENT[key] for key in ("source", "severity", "issue", "service")}
    assert entry["reason"] == "url_health: high/health_check_failure of api"
    assert entry["decision"]["row"] == "high/health_check_failure"
    assert _lock.holder(operator.deployment.state) is None


def test_the_stack_is_looked_at_once(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(operator, "v1.0.0")
    looked = []
    observe = _automatic.observe
    monkeypatch.setattr(_automatic, "observe", lambda *given: looked.append(given) or observe(*given))
    monkeypatch.setattr(_begin, "observe", lambda *_unused: pytest.fail("looked at twice"))
    _switch(operator)
    assert len(looked) == 1


def test_what_is_healthy_and_what_somebody_works_on_is_left_alone(operator: Any) -> None:
    before = operator.deployment.running()
    result = _switch(operator)
    assert (result["auto"]["action"], result["changed"], result["from_version"]) == ("nothing", False, "v1.0.0")
    assert _lock.holder(operator.deployment.state) is None

    _break(operator, "v1.0.0")
    with _lock.held(operator.deployment.state, operator.build.run(5), 0):
        pass
    with pytest.raises(RollbackError, match="another run holds this stack") as caught:
        _switch(operator)
    assert caught.value.facts["lock_holder"]["id"] == operator.build.run(5).id
    assert operator.deployment.running() == before


def test_a_container_that_somebody_stopped_is_not_healthy(operator: Any) -> None:
    world = operator.deployment.world
    world.running = [replace(c, running=False) if c.service == "web" else c for c in world.running]
    assert _switch(operator)["auto"]["action"] == "roll back"


def test_what_fails_after_a_rollback_is_for_people_who_are_called_a_bounded_number_of_times(operator: Any) -> None:
    _break(operator, "v1.0.0")
    _switch(operator)
    _break(operator, "v0.9.0")
    found = [_switch(operator, number)["auto"] for number in (2, 3, 4)]
    assert [each["action"] for each in found] == ["escalate"] * 3
    assert [each["call"] for each in found] == [True, True, False]
    # All of them are one incident.
    assert {each["outage"] for each in found} == {operator.build.run(2).id}
    assert operator.deployment.running() == _all(operator, "v0.9.0")

    operator.deployment.world.sick.clear()
    operator.deployment.deploy("v0.9.0")
    assert _switch(operator, 5)["auto"]["action"] == "nothing"
    assert not (operator.deployment.state / _automatic.MEMORY).exists()


def test_what_was_containers_crashed_all_the_same_is_known_by_its_images(operator: Any) -> None:
    _break(operator, "v1.0.0")
    _switch(operator)
    world = operator.deployment.world
    world.running = [replace(c, running=False, exit_code=1) for c in world.running]
    result = _switch(operator, 2)
    assert result["auto"]["action"] == "escalate"
    assert "took the stack to v0.9.0, which fails as well" in result["auto"]["why"]


def test_a_target_that_cannot_be_had_calls_people_and_changes_nothing(operator: Any) -> None:
    _break(operator, "v1.0.0")
    del operator.deployment.world.images[operator.build.image_id("v0.9.0")]
    before = operator.deployment.running()
    result = _switch(operator)
    assert (result["auto"]["action"], result["auto"]["call"]) == ("escalate", True)
    assert "cannot be pulled" in result["auto"]["why"]
    assert "registry" in result["auto"]["hint"]
    assert operator.deployment.running() == before
    assert _lock.holder(operator.deployment.state) is None


def test_a_rollback_that_fails_is_not_tried_again_nor_told_of_twice(operator: Any) -> None:
    _break(operator, "v1.0.0")
    _break(operator, "v0.9.0")
    with pytest.raises(RollbackError, match="The state before"):
        _switch(operator)
    (entry,) = _ledger.entries(operator.deployment.state)
    assert (entry["outcome"], entry["event"]["source"]) == ("reverted", "url_health")
    again = _switch(operator, 2, remind_after=3600)["auto"]
    assert (again["action"], again["call"], again["outage"]) == ("escalate", False, entry["run"])


def test_check_mode_gives_the_same_answer_and_moves_nothing(operator: Any) -> None:
    _break(operator, "v1.0.0")
    deployment = operator.deployment
    before = deployment.trees()
    foretold = _switch(operator, check_mode=True)
    assert (deployment.trees(), deployment.world.calls) == (before, [])
    real = _switch(operator)
    same = {"auto", "target", "plan", "needed", "changed", "from_version", "to_version"}
    assert {key: foretold[key] for key in same} == {key: real[key] for key in same}

    _break(operator, "v0.9.0")
    before = deployment.trees()
    assert _switch(operator, 2, check_mode=True)["auto"]["call"]
    assert deployment.trees() == before


def test_where_the_schema_differs_tier_2_is_used_if_the_matrix_allows_it(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(operator, "v1.0.0")
    tiers = []

    def find(ctx: Any, now: Any, journal: Any) -> Any:
        tiers.append(ctx.module.params["tier"])
        if tiers[-1] == 1:
            raise _data_gate.OtherSchema("another schema", "Use Tier 2.")
        raise RollbackError("rollback_stack describes no database")

    monkeypatch.setattr(_begin._target, "find", find)
    result = _switch(operator)
    assert tiers == [1, 2]
    assert "describes no database" in result["auto"]["why"]


def test_a_note_that_cannot_be_read_calls_people_once_too_often_and_not_too_seldom(operator: Any) -> None:
    _break(operator, "v1.0.0")
    _switch(operator)
    _break(operator, "v0.9.0")
    assert _switch(operator, 2)["auto"]["call"]
    path = operator.deployment.state / _automatic.MEMORY
    for data in ("{", "[]", json.dumps({"outage": "x"})):
        path.write_text(data)
        assert _switch(operator, 3)["auto"]["call"]
