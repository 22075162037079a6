# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _lock, _release
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import image_build, release_info
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_release import rendered

Answer = dict[str, Any]


@pytest.fixture(autouse=True)
def preview(monkeypatch: pytest.MonkeyPatch, operator: Any) -> None:
    """Compose renders what it would be shown."""
    monkeypatch.setattr(_release._preview, "render", rendered(operator.deployment))
    operator.deployment.world.add_image("v1.1.0", "shop:v1.1.0")


def make(operator: Any, version: str = "v1.1.0", number: int = 5, *, check_mode: bool = False, **more: Any) -> Answer:
    params = {"version": version, "foretell": False, "timeout": 60, "lock_wait": 0, **more}
    return image_build.act(operator.deployment.context(check_mode=check_mode, run=operator.build.run(number), **params))


@pytest.mark.parametrize("how", [{"check_mode": True}, {"foretell": True}])
def test_it_is_foretold_what_would_be_made_and_nothing_moves(operator: Any, how: dict[str, Any]) -> None:
    before = operator.deployment.trees()
    answer = make(operator, **how)
    assert (answer["source"], answer["services"], answer["pulled"]) == ("variable", [], [])
    assert [step["action"] for step in answer["plan"]["steps"]] == ["write_file", "start_first", "stop_first"]
    assert (answer["from_version"], answer["to_version"]) == ("v1.0.0", "v1.1.0")
    assert answer["changed"] is not how.get("foretell", False)
    assert (operator.deployment.trees(), operator.deployment.world.calls) == (before, [])


def test_a_release_is_a_proven_point_that_the_stack_can_be_switched_to_and_back_from(operator: Any) -> None:
    running = operator.deployment.running()
    back_to = operator.capture("v1.0.0")["restore_point"]
    release = make(operator)["restore_point"]
    context = operator.deployment.context()
    point = context.store.load(release)
    assert (point.kind, point.version, point.healthy) == ("release", "v1.1.0", True)
    assert context.store.proven(release)
    assert operator.deployment.running() == running
    assert _lock.holder(operator.deployment.state) is None

    facts = {"back_to": back_to, "gates": [], "skipped": [], "override_reason": ""}
    result = operator.switch(6, kind="deploy", version=release, deployment=facts)
    assert set(operator.deployment.running().values()) == {operator.build.image_id("v1.1.0")}
    assert (result["record"]["kind"], result["record"]["tier"], result["record"]["budget"]) == ("deploy", None, None)
    assert (operator.deployment.src / ".env").read_text() == "VERSION=v1.1.0\n"
    stage = _stage(operator)
    assert (stage["stage"], stage["target"], stage["back_to"]) == ("watch", release, back_to)
    operator.capture("v1.1.0")
    assert _stage(operator)["stage"] == "done"
    operator.switch(7, kind="undo", version=None, undo_run=operator.build.run(6).id)
    assert operator.deployment.running() == running


def _stage(operator: Any, **more: Any) -> Answer:
    return release_info.act(operator.deployment.context(**{"version": "v1.1.0", "back_to": None, **more}))


def test_a_stack_that_was_changed_since_its_restore_point_is_not_deployed_over(operator: Any) -> None:
    back_to = operator.capture("v1.0.0")["restore_point"]
    release = make(operator)["restore_point"]
    operator.deployment.deploy("v0.9.0")
    with pytest.raises(RollbackError, match=f"the stack was changed since restore point {back_to} was captured"):
        operator.switch(6, kind="deploy", version=release, deployment={"back_to": back_to})


def test_a_release_that_does_not_get_healthy_is_taken_back_and_quarantined(operator: Any) -> None:
    release = make(operator)["restore_point"]
    operator.deployment.world.sick.add(operator.build.image_id("v1.1.0"))
    with pytest.raises(RollbackError, match=r"The state before \(v1\.0\.0, .*was put back"):
        operator.switch(6, kind="deploy", version=release, deployment={})
    with pytest.raises(RollbackError, match=r"v1\.1\.0 is quarantined"):
        _stage(operator)


def test_what_is_no_version_here_is_refused_with_what_would_be_one(operator: Any) -> None:
    del operator.deployment.world.tags["shop:v1.1.0"]
    operator.deployment.world.images.pop(operator.build.image_id("v1.1.0"))
    assert make(operator, check_mode=True)["pulled"] == ["shop:v1.1.0"]
    before = operator.deployment.running()
    with pytest.raises(RollbackError, match=r"shop:v1\.1\.0 cannot be pulled"):
        make(operator)
    assert operator.deployment.running() == before
    assert [p for p in operator.deployment.context().store.ids() if "release" in p] == []
    with pytest.raises(RollbackError, match=r"nothing here is v1\.0\.0"):
        make(operator, "v1.0.0")
    with pytest.raises(RollbackError, match="unsafe or malformed"):
        make(operator, "-x")


def test_no_release_is_made_while_a_run_is_unfinished(operator: Any) -> None:
    operator.begin(2)
    with pytest.raises(RollbackError, match="was not finished, so what runs may be half of two versions"):
        make(operator, check_mode=True)
