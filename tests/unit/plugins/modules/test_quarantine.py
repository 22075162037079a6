# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import quarantine, restore_point_info, stack_switch


def _release(operator: Any, version: str | None, number: int = 9, *, check_mode: bool = False) -> dict[str, Any]:
    run = operator.build.run(number)
    context = operator.deployment.context(check_mode=check_mode, run=run, release=version, lock_wait=0)
    return quarantine.act(context)


def _held(answer: dict[str, Any]) -> list[str]:
    return [each["version"] for each in answer["quarantined"]]


def test_a_version_that_was_left_is_listed_and_status_knows_it_too(operator: Any) -> None:
    assert _held(_release(operator, None)) == []
    operator.switch()
    listed = _release(operator, None)
    assert (listed["changed"], _held(listed)) == (False, ["v1.0.0"])
    assert _held(restore_point_info.act(operator.deployment.context())) == ["v1.0.0"]


def test_a_release_is_foretold_done_once_and_recorded(operator: Any) -> None:
    operator.switch()
    before = operator.deployment.trees()
    foretold = _release(operator, "v1.0.0", check_mode=True)
    assert operator.deployment.trees() == before
    assert foretold == _release(operator, "v1.0.0")
    assert (foretold["changed"], _held(foretold)) == (True, [])
    lines = _ledger.entries(operator.deployment.state)
    assert (lines[-1]["kind"], lines[-1]["release"]) == ("quarantine", "v1.0.0")
    again = _release(operator, "v1.0.0", 10)
    assert (again["changed"], again["actions"]) == (False, [])
    assert _ledger.entries(operator.deployment.state) == lines
    assert _lock.holder(operator.deployment.state) is None


def test_a_version_that_is_no_name_is_refused(operator: Any) -> None:
    with pytest.raises(RollbackError, match="unsafe or malformed"):
        _release(operator, "../v1")


def _capture_both(operator: Any) -> None:
    """v1.0.0 has a restore point too, and was rolled back from."""
    operator.capture("v1.0.0")
    operator.switch()


@pytest.mark.parametrize("changes", [{}, {"components": ["api"], "tier": 3}, {"kind": "deploy", "deployment": {}}])
def test_a_quarantined_target_is_refused_before_anything_is_touched(operator: Any, changes: dict[str, Any]) -> None:
    _capture_both(operator)
    before = operator.deployment.trees()
    operator.deployment.world.calls.clear()
    with pytest.raises(RollbackError, match=r"v1\.0\.0 is quarantined since") as caught:
        operator.switch(2, check_mode=True, version="v1.0.0", **changes)
    assert "quarantine.yml -e release=v1.0.0. Available otherwise: v0.9.0." in caught.value.hint
    assert (operator.deployment.trees(), operator.deployment.world.calls) == (before, [])
    point = next(p for p in operator.deployment.context().store.ids() if p.startswith("v1.0.0"))
    with pytest.raises(RollbackError, match="is quarantined since"):
        operator.switch(2, version=point, **changes)


def test_released_it_can_be_gone_to_and_going_forward_quarantines_nothing(operator: Any) -> None:
    _capture_both(operator)
    _release(operator, "v1.0.0")
    operator.switch(2, version="v1.0.0")
    assert _held(_release(operator, None)) == []


def test_an_undo_is_the_operators_word_and_lifts_it(operator: Any) -> None:
    _capture_both(operator)
    operator.switch(2, kind="undo", version=None)
    assert operator.deployment.running()["api"] == operator.build.image_id("v1.0.0")
    assert _held(_release(operator, None)) == []


def test_what_runs_already_and_what_a_deployment_returns_to_are_not_refused(operator: Any) -> None:
    _capture_both(operator)
    operator.switch(2, version="v1.0.0", allow_quarantined=True)
    operator.deployment.deploy("v0.9.0")
    operator.deployment.deploy("v1.0.0")
    assert operator.switch(3, version="v1.0.0")["needed"] is False


def test_a_killed_run_is_continued_though_its_target_is_quarantined_meanwhile(operator: Any) -> None:
    _capture_both(operator)
    operator.begin(2, version="v1.0.0", allow_quarantined=True)
    result = operator.switch(3, version="v1.0.0", dead_run=operator.build.run(2).id)
    assert result["resumed"].endswith("-000002")


def test_previous_passes_over_what_is_quarantined_and_says_so(operator: Any) -> None:
    deployment = operator.deployment
    _capture_both(operator)
    deployment.world.add_image("v1.1.0", "shop:v1.1.0")
    deployment.deploy("v1.1.0")
    context = operator._context(2, True, {"version": "previous"})
    assert stack_switch.act(context)["to_version"] == "v0.9.0"
    assert context.module.warnings == ["quarantined, and passed over for v0.9.0: v1.0.0"]
    _release(operator, "v1.0.0")
    assert operator.switch(3, check_mode=True, version="previous")["to_version"] == "v1.0.0"


def test_a_damaged_ledger_stops_a_deployment_and_no_rollback(operator: Any) -> None:
    _capture_both(operator)
    path = operator.deployment.state / _ledger.NAME
    path.write_bytes(path.read_bytes().replace(b"succeeded", b"Succeeded"))
    assert operator.switch(2, check_mode=True, version="v1.0.0")["to_version"] == "v1.0.0"
    with pytest.raises(RollbackError, match="was changed or does not follow"):
        operator.switch(2, check_mode=True, version="v1.0.0", kind="deploy", deployment={})


def test_where_every_earlier_version_is_quarantined_previous_says_so(operator: Any) -> None:
    failed = {"run": "r0", "kind": "deploy", "outcome": "failed", "touched": True, "to_version": "v0.9.0"}
    _ledger.append(operator.deployment.state, failed)
    with pytest.raises(RollbackError, match=r"no earlier proven restore point but for what is quarantined: v0\.9\.0"):
        operator.switch(version="previous")
