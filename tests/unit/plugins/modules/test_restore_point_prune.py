# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.modules import restore_point, restore_point_prune


@pytest.fixture
def captured(deployment: Any, build: Any) -> Any:
    """Five versions captured, one restore point to keep; v5 runs."""
    deployment.raw["keep"] = 1
    for number in range(1, 6):
        deployment.world.add_image(f"v{number}", f"shop:v{number}")
        deployment.deploy(f"v{number}")
        params = {"version": f"v{number}", "pinned": number == 1, "prove": True, "keep_prepared": False, "lock_wait": 0}
        restore_point.act(deployment.context(run=build.run(), **params))
    deployment.world.calls.clear()
    return deployment


@pytest.fixture
def act(captured: Any, build: Any) -> Callable[..., dict[str, Any]]:
    """Prune."""

    def call(*, check_mode: bool = False) -> dict[str, Any]:
        return restore_point_prune.act(captured.context(check_mode=check_mode, run=build.run(), lock_wait=0))

    return call


def _versions(deployment: Any) -> list[str]:
    return [point.version for point in deployment.context().store.points()]


def test_old_points_go_with_their_own_tags_and_the_pinned_one_stays(
    act: Callable[..., dict[str, Any]], captured: Any
) -> None:
    result = act()
    assert (result["changed"], len(result["removed"]), result["kept"]) == (True, 3, 2)
    assert _versions(captured) == ["v1", "v5"]
    # A prune that deleted another environment's images (basecamp/kamal#1922).
    removed = {call[1] for call in captured.world.calls if call[0] == "untag"}
    # Of two services three points' and three versions' names.
    assert len(removed) == 12
    assert all(name.startswith("tiered-rollback/shop/") for name in removed)
    assert {"shop:v2", "shop:v3"} <= set(captured.world.tags)
    assert not act()["changed"]


def test_no_name_is_left_of_a_version_without_a_point_and_previous_is_the_newest_that_remains(
    act: Callable[..., dict[str, Any]], captured: Any, build: Any
) -> None:
    def names() -> dict[str, str]:
        ours = "tiered-rollback/shop/web:"
        tags = {k.removeprefix(ours): v for k, v in captured.world.tags.items() if k.startswith(ours)}
        return {tag: image for tag, image in tags.items() if "-20" not in tag}

    assert names()["previous"] == build.image_id("v4")
    act()
    assert names() == {
        "v1": build.image_id("v1"),
        "v5": build.image_id("v5"),
        "previous": build.image_id("v1"),
    }


def test_what_was_pushed_loses_its_local_name_with_its_point(act: Callable[..., dict[str, Any]], captured: Any) -> None:
    captured.raw["registry"] = "localhost:5000/keep"
    pushed = [f"localhost:5000/keep/web:{point.id}" for point in captured.context().store.points()]
    captured.world.tags.update(dict.fromkeys(pushed, "image"))
    act()
    assert [name for name in pushed if name in captured.world.tags] == [pushed[0], pushed[4]]


def test_what_runs_is_kept_whatever_its_age(act: Callable[..., dict[str, Any]], captured: Any) -> None:
    captured.deploy("v2")
    act()
    assert "v2" in _versions(captured)


def test_what_the_newest_or_an_unfinished_run_refers_to_is_kept(
    act: Callable[..., dict[str, Any]], captured: Any, build: Any
) -> None:
    ids = [point.id for point in captured.context().store.points()]
    _ledger.append(captured.state, {"run": "old", "before": ids[3], "target": ids[3]})
    _ledger.append(captured.state, {"run": "new", "before": ids[1], "target": ids[4]})
    path = captured.state / _journal.NAME
    Journal(path=path, run=build.run(7), kind="rollback", tier=1, target=ids[2], before=ids[1]).save()
    act()
    assert _versions(captured) == ["v1", "v2", "v3", "v5"]


def test_check_mode_gives_the_same_answer_and_removes_nothing(
    act: Callable[..., dict[str, Any]], captured: Any
) -> None:
    before = captured.trees()
    foretold = act(check_mode=True)
    assert (captured.trees(), captured.world.calls) == (before, [])
    assert foretold == act()


def test_nothing_is_removed_while_another_run_holds_the_stack(
    act: Callable[..., dict[str, Any]], captured: Any, build: Any
) -> None:
    with _lock.held(captured.state, build.run(7), wait=0):
        pass
    with pytest.raises(RollbackError, match="another run holds this stack"):
        act()
    assert len(_versions(captured)) == 5


def test_of_points_that_equal_what_runs_only_the_newest_is_safe_and_prepared_databases_go_with_theirs(
    deployment: Any, operator: Any, build: Any
) -> None:
    shop = deployment.add_database()
    deployment.raw["keep"] = 1
    ids = [operator.capture(version, keep_prepared=True)["restore_point"] for version in ("v1", "v2", "v3")]
    context = deployment.context(run=build.run(), lock_wait=0)
    restore_point_prune.act(context)
    assert [point.id for point in context.store.points()] == ids[2:]
    assert list(shop.beside) == [f"prepared-{ids[2]}"]


def test_the_mcp_snapshots_of_removed_points_go_and_a_service_that_is_down_stops_nothing(
    captured: Any, act: Callable[..., dict[str, Any]], snapshot_api: Any, build: Any
) -> None:
    captured.raw["mcp"] = snapshot_api.described()
    for number in (6, 7, 8):
        captured.world.add_image(f"v{number}", f"shop:v{number}")
        captured.deploy(f"v{number}")
        snapshot_api.serve("/admin/snapshot", snapshot_api.snapshot(min(number, 7)), 201)
        params = {"version": f"v{number}", "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
        restore_point.act(captured.context(run=build.run(), **params))
    result = act()
    # v8 has the same snapshot as v7, which is therefore still needed; the service refuses (404) and that is a warning.
    assert len(result["removed"]) == 6
    assert list(snapshot_api.asked("DELETE")) == ["/admin/snapshots/snapshot-6"]


def test_points_of_a_swarm_serve_their_time_too(swarmed: Any) -> None:
    deployment = swarmed.deployment
    swarmed.capture("v1.0.0")
    deployment.deploy("v2.0.0")
    swarmed.capture("v2.0.0")
    deployment.raw["keep"] = 1
    context = deployment.context(run=swarmed.build.run(2), lock_wait=0)
    result = restore_point_prune.act(context)
    assert [name.partition("-")[0] for name in result["removed"]] == ["v0.9.0", "v1.0.0"]
    assert [point.version for point in context.store.points()] == ["v2.0.0"]
