# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.modules import restore_point


@pytest.fixture
def act(deployment: Any, build: Any) -> Callable[..., dict[str, Any]]:
    """Capture a restore point."""

    def call(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {"version": None, "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0, **changes}
        return restore_point.act(deployment.context(check_mode=check_mode, run=build.run(), **params))

    return call


def test_what_runs_is_captured_once(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    first, second = act(), act()
    assert (first["changed"], second["changed"]) == (True, False)
    assert (first["version"], second["restore_point"]) == ("v0.9.0", first["restore_point"])
    assert first["restore_point"].startswith("v0.9.0-20")
    store = deployment.context().store
    assert store.proven(first["restore_point"])
    assert store.load(first["restore_point"]).kind == "deploy"


def test_another_version_is_captured_beside_it(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    act()
    deployment.deploy("v1.0.0")
    act()
    assert [point.version for point in deployment.context().store.points()] == ["v0.9.0", "v1.0.0"]


def _names(deployment: Any) -> dict[str, str]:
    """Image id by version name of the service web."""
    ours = "tiered-rollback/shop/web:"
    tags = {k.removeprefix(ours): v for k, v in deployment.world.tags.items() if k.startswith(ours)}
    return {tag: image for tag, image in tags.items() if "-20" not in tag}


def test_versions_have_names_which_the_next_capture_moves(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any
) -> None:
    old, new = build.image_id("v0.9.0"), build.image_id("v1.0.0")
    act()
    assert _names(deployment) == {"v0.9.0": old, "v0.9": old}
    deployment.deploy("v1.0.0")
    act()
    assert _names(deployment) == {"v0.9.0": old, "v0.9": old, "v1.0.0": new, "v1.0": new, "previous": old}
    assert deployment.world.tags["shop:v1.0.0"] == new


def test_a_name_that_a_killed_capture_did_not_move_is_moved_by_the_next_one(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any
) -> None:
    act()
    deployment.world.tags["tiered-rollback/shop/web:v0.9"] = build.image_id("v1.0.0")
    told = [f"tag {build.image_id('v0.9.0')} as tiered-rollback/shop/web:v0.9"]
    assert act(check_mode=True)["actions"] == told
    assert _names(deployment)["v0.9"] == build.image_id("v1.0.0")
    assert act()["actions"] == told
    assert _names(deployment)["v0.9"] == build.image_id("v0.9.0")
    assert not act()["changed"]


def test_an_older_version_whose_image_is_gone_is_no_obstacle(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any
) -> None:
    act()
    deployment.deploy("v1.0.0")
    gone = build.image_id("v0.9.0")
    del deployment.world.images[gone]
    deployment.world.tags = {name: image for name, image in deployment.world.tags.items() if image != gone}
    act()
    assert set(_names(deployment)) == {"v1.0.0", "v1.0"}
    assert not act()["changed"]


def test_a_remark_says_which_images_lack_labels(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    (remark,) = act(check_mode=True)["remarks"]
    assert remark.startswith("The image of api, web does not say by labels")
    labels = {f"org.opencontainers.image.{key}": "v0.9.0" for key in ("created", "revision", "version")}
    deployment.world.add_image("v0.9.0", "shop:v0.9.0", labels=labels)
    assert act()["remarks"] == []


def test_a_remark_says_where_the_registrys_prefix_is_the_users_own(
    act: Callable[..., dict[str, Any]], deployment: Any
) -> None:
    compose = deployment.src / "compose.yml"
    deployment.world.add_image("v0.9.0", "localhost:5000/acme/web:v0.9.0")
    compose.write_text(compose.read_text().replace("shop:$", "localhost:5000/acme/web:$"))
    deployment.compose.recreate({"api": 1, "web": 1}, None, isolate=False)
    deployment.raw["registry"] = "localhost:5000/acme"
    assert "where web has its own images" in act()["remarks"][-1]
    pushed = {call[1].partition("/acme/")[2] for call in deployment.world.calls if call[0] == "push"}
    assert {name for name in pushed if "-20" not in name} == {"api:v0.9", "api:v0.9.0"}
    assert {name.partition(":")[0] for name in pushed} == {"api", "web"}


def test_the_stack_is_free_afterwards_whatever_happens(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    act()
    assert _lock.holder(deployment.state) is None
    deployment.world.running.clear()
    with pytest.raises(RollbackError):
        act()
    assert _lock.holder(deployment.state) is None


def test_a_stack_that_another_run_holds_is_not_captured(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any
) -> None:
    with _lock.held(deployment.state, build.run(7), wait=0):
        pass
    with pytest.raises(RollbackError, match=f"another run holds this stack: run {build.run(7).id}"):
        act()
    assert deployment.context().store.ids() == []


def test_check_mode_gives_the_same_answer_and_writes_nothing(
    act: Callable[..., dict[str, Any]], deployment: Any
) -> None:
    before = deployment.trees()
    foretold = act(check_mode=True)
    assert (deployment.trees(), deployment.world.calls) == (before, [])
    real = act()
    times = {"restore_point", "actions", "diff"}
    assert {k: v for k, v in foretold.items() if k not in times} == {k: v for k, v in real.items() if k not in times}
    assert act(check_mode=True) == act()


def test_a_pin_can_be_set_later(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    point = act()["restore_point"]
    assert act(pinned=True, check_mode=True)["actions"] == [f"pin {point}"]
    assert not deployment.context().store.pinned(point)
    assert act(pinned=True)["changed"]
    assert deployment.context().store.pinned(point)
    assert not act(pinned=True)["changed"]


def test_a_stack_that_is_not_well_is_not_worth_returning_to(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any, site: Any
) -> None:
    deployment.raw["services"] = {"web": {"checks": [{"url": f"{site.url}/status"}]}}
    with pytest.raises(RollbackError, match="not a state worth returning to: web-0: status 404"):
        act()
    site.answers["/status"] = (200, b"")
    deployment.world.sick.add(build.image_id("v0.9.0"))
    deployment.deploy("v0.9.0")
    with pytest.raises(RollbackError, match="running, unhealthy"):
        act()
    assert deployment.context().store.ids() == []


@pytest.mark.parametrize("name", ["previous", "before-x", "a b", "{{ x }}", "../x"])
def test_a_name_that_could_not_be_asked_for_later_is_refused(act: Callable[..., dict[str, Any]], name: str) -> None:
    with pytest.raises(RollbackError):
        act(version=name)


def test_nothing_is_captured_while_a_run_is_unfinished(
    act: Callable[..., dict[str, Any]], deployment: Any, build: Any
) -> None:
    deployment.state.mkdir(parents=True)
    run = build.run(7)
    Journal(path=deployment.state / _journal.NAME, run=run, kind="rollback", tier=1, target="x", before="y").save()
    with pytest.raises(RollbackError, match=f"{run.id}.* was not finished"):
        act()


def test_a_full_file_system_leaves_no_point_and_no_tag(
    act: Callable[..., dict[str, Any]], deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RollbackError, match="no room for"):
        act()
    assert (deployment.context().store.ids(), deployment.world.calls) == ([], [])


def test_the_mcp_data_is_a_part_of_the_point_each_time(deployment: Any, build: Any, snapshot_api: Any) -> None:
    deployment.raw["mcp"] = snapshot_api.described()
    params = {"version": "v0.9.0", "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
    before = deployment.trees()
    foretold = restore_point.act(deployment.context(run=build.run(), check_mode=True, **params))
    assert (deployment.trees(), snapshot_api.asked("POST")) == (before, {})
    made = restore_point.act(deployment.context(run=build.run(), **params))
    assert foretold["changed"] is made["changed"] is True
    point = deployment.context().store.load(made["restore_point"])
    assert point.mcp == "snapshot-3"


def test_a_capture_that_fails_leaves_no_snapshot_behind(
    deployment: Any, build: Any, snapshot_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.raw["mcp"] = snapshot_api.described()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restore_point._capture, "write", fail)
    params = {"version": "v0.9.0", "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
    with pytest.raises(OSError, match="No space"):
        restore_point.act(deployment.context(run=build.run(), **params))
    assert list(snapshot_api.asked("DELETE")) == ["/admin/snapshots/snapshot-3"]
