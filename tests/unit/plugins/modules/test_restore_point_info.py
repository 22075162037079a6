# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.modules import restore_point, restore_point_info


@pytest.fixture
def captured(deployment: Any, build: Any) -> Any:
    """Both versions captured; v1.0.0 runs."""
    for version in ("v0.9.0", "v1.0.0"):
        deployment.deploy(version)
        params = {"version": version, "pinned": version == "v0.9.0", "prove": True, "keep_prepared": False}
        restore_point.act(deployment.context(run=build.run(), lock_wait=0, **params))
    deployment.world.calls.clear()
    return deployment


def test_points_are_listed_newest_first_with_what_is_known_of_each(captured: Any) -> None:
    result = restore_point_info.act(captured.context())
    keys = ("version", "whole", "proven", "pinned", "running", "images_missing", "problem")
    assert [tuple(point[key] for key in keys) for point in result["restore_points"]] == [
        ("v1.0.0", True, True, False, True, [], ""),
        ("v0.9.0", True, True, True, False, [], ""),
    ]
    assert (result["history"], result["unfinished"], result["lock_holder"]) == ([], None, None)


def test_looking_changes_nothing(captured: Any) -> None:
    before = captured.trees()
    assert restore_point_info.act(captured.context())["changed"] is False
    assert (captured.trees(), captured.world.calls) == (before, [])


@pytest.mark.parametrize(("part", "problem"), [("files/.env", "files/.env was changed"), ("manifest.json", "manifest")])
def test_a_damaged_point_is_listed_as_such_and_hides_no_other(captured: Any, part: str, problem: str) -> None:
    store = captured.context().store
    path = store.root / store.ids()[0] / part
    path.write_bytes(path.read_bytes() + b"x")
    listed = restore_point_info.act(captured.context())["restore_points"]
    assert [point["whole"] for point in listed] == [True, False]
    assert problem in listed[1]["problem"]


def test_an_image_that_is_gone_is_named(captured: Any, build: Any) -> None:
    del captured.world.images[build.image_id("v0.9.0")]
    (_new, old) = restore_point_info.act(captured.context())["restore_points"]
    assert sorted(old["images_missing"]) == ["api", "web"]


def test_history_unfinished_run_and_lock_holder_are_told(captured: Any, build: Any, tree: Callable[..., Any]) -> None:
    for run in ("r1", "r2"):
        _ledger.append(captured.state, {"run": run})
    run = build.run(7)
    Journal(path=captured.state / _journal.NAME, run=run, kind="rollback", tier=1, target="x", before="y").save()
    with _lock.held(captured.state, run, wait=0):
        pass
    result = restore_point_info.act(captured.context())
    assert [entry["run"] for entry in result["history"]] == ["r2", "r1"]
    assert result["unfinished"] == result["lock_holder"] == run.describe()


def test_points_of_a_swarm_are_listed_with_the_images_that_nobody_has(swarmed: Any) -> None:
    swarm = swarmed.deployment.swarm
    (point,) = restore_point_info.act(swarmed.deployment.context())["restore_points"]
    assert (point["version"], point["running"], point["images_missing"]) == ("v0.9.0", False, [])
    swarm.gone = {part for each in swarmed.deployment.context().store.points() for part in each.services["web"].digests}
    swarmed.deployment.deploy("v0.9.0")
    (point,) = restore_point_info.act(swarmed.deployment.context())["restore_points"]
    assert (point["running"], point["images_missing"]) == (True, ["api", "web"])
