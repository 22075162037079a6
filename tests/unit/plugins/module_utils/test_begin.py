# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _without_lock(tree: dict[str, Any]) -> dict[str, Any]:
    return {path: data for path, data in tree.items() if not path.endswith("/lock")}


def test_a_run_begins_with_lock_plan_and_the_state_before_and_touches_nothing(operator: Any, tree: Any) -> None:
    deployment = operator.deployment
    before = tree(deployment.src)
    result = operator.begin()
    assert (result["changed"], result["from_version"], result["to_version"]) == (True, "v1.0.0", "v0.9.0")
    assert [step["action"] for step in result["plan"]["steps"]] == ["write_file", "start_first", "stop_first"]
    assert tree(deployment.src) == before
    assert {call[0] for call in deployment.world.calls} == {"tag"}
    assert all(call[2].startswith("tiered-rollback/shop/") for call in deployment.world.calls)
    store = deployment.context().store
    assert store.load(result["before"]).version == "v1.0.0"
    assert store.proven(result["before"])
    journal = _journal.load(deployment.state)
    assert journal is not None
    assert (journal.run.id, journal.before, journal.target) == (
        operator.build.run(1).id,
        result["before"],
        result["target"],
    )
    assert _lock.holder(deployment.state) == operator.build.run(1)


def test_check_mode_gives_the_same_answer_and_writes_nothing(operator: Any) -> None:
    deployment = operator.deployment
    before = deployment.trees()
    foretold = operator.begin(check_mode=True)
    assert (deployment.trees(), deployment.world.calls) == (before, [])
    real = operator.begin()
    assert foretold == {**{key: real[key] for key in foretold}, "before": None}


def test_a_target_that_is_what_runs_changes_nothing_and_says_so(operator: Any) -> None:
    deployment = operator.deployment
    deployment.deploy("v0.9.0")
    before = _without_lock(deployment.trees())
    result = operator.begin()
    assert (result["changed"], result["needed"], result["plan"]["steps"]) == (False, False, [])
    assert (_without_lock(deployment.trees()), deployment.world.calls) == (before, [])
    assert _lock.holder(deployment.state) is None


def _lose_image(operator: Any) -> str:
    del operator.deployment.world.images[operator.build.image_id("v0.9.0")]
    return "cannot be pulled"


def _damage(operator: Any) -> str:
    store = operator.deployment.context().store
    (store.root / store.ids()[0] / "files" / ".env").write_text("VERSION=v7\n")
    return "damaged: files/.env was changed"


def _unprove(operator: Any) -> str:
    store = operator.deployment.context().store
    (store.root / store.ids()[0] / "proven.json").unlink()
    return "was never proven"


def _break_compose(operator: Any) -> str:
    (operator.deployment.src / "compose.yml").write_text("{")
    return "compose.yml is invalid"


def _stop_everything(operator: Any) -> str:
    operator.deployment.world.running.clear()
    return "no container of project shop"


def _no_stack(operator: Any) -> str:
    operator.deployment.raw.clear()
    return "rollback_stack is not set"


def _other_run(operator: Any) -> str:
    with _lock.held(operator.deployment.state, operator.build.run(7), wait=0):
        pass
    return "another run holds this stack"


@pytest.mark.parametrize(
    "spoil",
    [_lose_image, _damage, _unprove, _break_compose, _stop_everything, _no_stack, _other_run],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_what_makes_a_rollback_impossible_is_found_before_anything_is_touched(operator: Any, spoil: Any) -> None:
    deployment = operator.deployment
    message = spoil(operator)
    before = _without_lock(deployment.trees())
    with pytest.raises(RollbackError, match=message):
        operator.begin()
    assert _without_lock(deployment.trees()) == before
    assert {call[0] for call in deployment.world.calls} <= {"pull"}
    assert _lock.holder(deployment.state) in (None, operator.build.run(7))


@pytest.mark.parametrize("version", ["v7", "v0.9.0; touch /tmp/x", "../x", ""])
def test_an_unknown_version_is_answered_with_those_at_hand(operator: Any, version: str) -> None:
    with pytest.raises(RollbackError, match="no restore point for") as caught:
        operator.begin(version=version)
    assert "Available: v0.9.0." in caught.value.hint


def test_a_full_file_system_is_found_before_anything_is_touched(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    before = _without_lock(operator.deployment.trees())
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(RollbackError, match="no room for"):
        operator.begin()
    assert _without_lock(operator.deployment.trees()) == before
    assert _lock.holder(operator.deployment.state) is None


def test_an_image_that_is_gone_is_pulled_before_anything_is_stopped(operator: Any) -> None:
    deployment, wanted = operator.deployment, operator.build.image_id("v0.9.0")
    store = deployment.context().store
    point = store.load(store.ids()[0])
    services = {name: replace(part, digests=("r/shop@sha256:1",)) for name, part in point.services.items()}
    contents = {path: store.content(point, path) for path in point.files}
    store.add(replace(point, id="v0.9.0-pushed", services=services), contents, b"{}")
    definition = (store.root / point.id / "compose.json").read_bytes()
    (store.root / "v0.9.0-pushed" / "compose.json").write_bytes(definition)
    store.mark_proven("v0.9.0-pushed", "for the test")
    deployment.world.registry["r/shop@sha256:1"] = deployment.world.images.pop(wanted)
    result = operator.begin(version="v0.9.0-pushed")
    assert result["pulled"] == ["api", "web"]
    assert deployment.engine.image(wanted) is not None
    assert ("pull", "r/shop@sha256:1") in deployment.world.calls


def test_a_broken_state_before_is_captured_as_it_is(operator: Any) -> None:
    deployment = operator.deployment
    deployment.world.running = [replace(c, health="unhealthy") for c in deployment.world.running]
    point = deployment.context().store.load(operator.begin()["before"])
    assert (point.healthy, point.kind) == (False, "before")


def test_a_killed_run_is_continued_and_its_state_before_inherited(operator: Any) -> None:
    first = operator.begin(1)
    second = operator.begin(2, dead_run=operator.build.run(1).id)
    assert (second["resumed"], second["before"]) == (operator.build.run(1).id, first["before"])
    assert (second["from_version"], second["needed"]) == ("v1.0.0", True)
    store = operator.deployment.context().store
    assert [name for name in store.ids() if name.startswith("before-")] == [first["before"]]


def test_an_undo_of_a_killed_run_goes_to_its_state_before(operator: Any) -> None:
    first = operator.begin(1)
    second = operator.begin(2, kind="undo", version=None, dead_run=operator.build.run(1).id)
    assert second["target"] == first["before"]


def test_an_undo_without_any_rollback_is_refused(operator: Any) -> None:
    with pytest.raises(RollbackError, match="there is no rollback to undo"):
        operator.begin(kind="undo", version=None)
