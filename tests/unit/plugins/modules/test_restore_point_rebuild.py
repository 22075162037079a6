# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _image_tags, _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.modules import restore_point, restore_point_rebuild

Act = Callable[..., dict[str, Any]]


def _git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Shop:
    """A checkout whose services are built from it: v0.9.0 is captured with its database, v1.0.0 runs."""

    def __init__(self, deployment: Any, build: Any) -> None:
        self.deployment, self.src, self.world = deployment, deployment.src, deployment.world
        deployment.add_database()
        _git(self.src, "init", "--quiet")
        (self.src / ".gitignore").write_text(".env\n")
        (self.src / "app").mkdir()
        self.release("v0.9.0")
        params = {"version": "v0.9.0", "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
        self.source = restore_point.act(deployment.context(run=build.run(), **params))["restore_point"]
        self.release("v1.0.0")

    def release(self, version: str) -> None:
        (self.src / "app/Dockerfile").write_text(f"# {version}\n")
        self.deployment.deploy(version)
        path = self.src / "compose.yml"
        definition = json.loads(path.read_text())
        for service in definition["services"].values():
            service["build"] = {"context": str(self.src / "app")}
        path.write_text(json.dumps(definition))
        self.deployment.compose.recreate({"api": 1, "web": 1}, None, isolate=False)
        _git(self.src, "add", "-A")
        _git(self.src, "commit", "--quiet", "-m", version)
        self.world.calls.clear()

    def lose(self, point: RestorePoint) -> None:
        for image in {part.image_id for part in point.services.values()}:
            del self.world.images[image]

    @property
    def store(self) -> Any:
        return self.deployment.context().store

    def prepared(self) -> dict[str, Any]:
        """What must stay as it is but for what a build adds."""
        return {
            "worktrees": _git(self.src, "worktree", "list"),
            "status": _git(self.src, "status", "--porcelain"),
            "files": {str(p): p.read_bytes() for p in self.src.iterdir() if p.is_file()},
            "running": self.deployment.running(),
            "tags": {k: v for k, v in self.world.tags.items() if not k.startswith(_image_tags.prefix("shop"))},
        }


@pytest.fixture
def shop(deployment: Any, build: Any) -> Shop:
    """A shop that needs its images again."""
    made = Shop(deployment, build)
    made.lose(made.store.load(made.source))
    return made


@pytest.fixture
def act(shop: Shop, build: Any) -> Act:
    """Build v0.9.0 again."""

    def call(version: str = "v0.9.0", *, check_mode: bool = False) -> dict[str, Any]:
        context = shop.deployment.context(check_mode=check_mode, run=build.run(), version=version, lock_wait=0)
        return restore_point_rebuild.act(context)

    return call


def test_the_images_come_back_as_a_new_point_of_the_same_version(act: Act, shop: Shop) -> None:
    before = shop.prepared()
    result = act()
    assert (result["changed"], result["source"], result["version"]) == (True, shop.source, "v0.9.0")
    assert result["services"] == ["api"]
    assert result["target"] == result["restore_point"] != shop.source
    old, new = (shop.store.load(result[key]) for key in ("source", "restore_point"))
    assert (new.rebuilt_from, new.files, new.databases) == (old.id, old.files, old.databases)
    assert f"images of {old.id} built again from {old.git.commit}" == new.reason
    made = new.services["api"].image_id
    assert new.services["web"].image_id == made != old.services["api"].image_id
    assert shop.store.proven(new.id)
    assert {shop.world.tags[tag] for tag in _image_tags.of_point(new).values()} == {made}
    versions = ("v0.9.0", "v0.9", old.git.commit[:7])
    assert {shop.world.tags[f"tiered-rollback/shop/web:{tag}"] for tag in versions} == {made}
    assert shop.prepared() == before
    assert not (shop.deployment.state / "rebuild").exists()


def test_it_is_the_commit_that_is_built_and_the_captured_configuration_lies_over_it(
    act: Act, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def build(definition: dict[str, Any], directory: str, timeout: float) -> None:
        seen.update({p.name: p.read_text() for p in Path(directory).rglob("*") if p.is_file()})
        seen["context"] = definition["services"]["api"]["build"]["context"]
        seen["mode"] = (Path(directory) / "app/Dockerfile").stat().st_mode & 0o777
        raise RollbackError("enough")

    monkeypatch.setattr(shop.deployment.compose, "build", build)
    with pytest.raises(RollbackError, match="cannot be built again: enough"):
        act()
    assert (seen["Dockerfile"], seen[".env"], seen["mode"]) == ("# v0.9.0\n", "VERSION=v0.9.0\n", 0o644)
    assert str(seen["context"]).startswith(str(shop.deployment.state / "rebuild"))


def test_copies_of_databases_are_one_file_with_two_names(act: Act, shop: Shop) -> None:
    result = act()
    old, new = (shop.store.database(shop.store.load(result[key]), "shop") for key in ("source", "restore_point"))
    assert (old / "copy").samefile(new / "copy")
    shop.store.remove(shop.source)
    shop.store.verify(shop.store.load(result["restore_point"]))


@pytest.mark.parametrize("version", ["v0.9.0", "the source"])
def test_again_nothing_is_built(act: Act, shop: Shop, version: str) -> None:
    first = act()
    shop.world.calls.clear()
    again = act(shop.source if version == "the source" else version)
    assert (again["changed"], again["actions"], shop.world.calls) == (False, [], [])
    assert again["target"] == first["target"]


def test_a_rebuilt_point_whose_images_are_lost_in_turn_is_built_again(
    act: Act, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = act()
    shop.lose(shop.store.load(first["restore_point"]))
    monkeypatch.setattr(_journal, "now", lambda: "2027-01-01T00:00:00.000+00:00")
    second = act()
    assert second["source"] == first["restore_point"] != second["restore_point"]
    assert shop.store.load(second["restore_point"]).rebuilt_from == shop.source


def test_check_mode_gives_the_same_answer_and_moves_nothing(act: Act, shop: Shop) -> None:
    before, trees = shop.prepared(), shop.deployment.trees()
    foretold = act(check_mode=True)
    assert foretold["target"] == shop.source
    assert (shop.prepared(), shop.deployment.trees(), shop.world.calls) == (before, trees, [])
    real = act()
    times = {"restore_point", "target", "actions", "diff"}
    assert {k: v for k, v in foretold.items() if k not in times} == {k: v for k, v in real.items() if k not in times}
    assert act(check_mode=True) == act()


def test_a_build_that_fails_leaves_nothing_behind(act: Act, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    build = shop.deployment.compose.build

    def fail(definition: dict[str, Any], *arguments: Any) -> None:
        build(definition, *arguments)
        raise RollbackError("the second of two failed")

    monkeypatch.setattr(shop.deployment.compose, "build", fail)
    before, tags, ids = shop.prepared(), dict(shop.world.tags), shop.store.ids()
    with pytest.raises(RollbackError, match="the second of two failed") as caught:
        act()
    assert "Nothing was changed" in caught.value.hint
    assert (shop.prepared(), shop.world.tags, shop.store.ids()) == (before, tags, ids)
    assert not (shop.deployment.state / "rebuild").exists()
    assert _lock.holder(shop.deployment.state) is None


def test_what_a_killed_run_left_is_removed_by_the_next(act: Act, shop: Shop) -> None:
    """Killed between the manifest and its proof: the point is there, and nobody may take it."""
    left = "v0.9.0-20261231T235959Z-rebuilt"
    commit = shop.store.load(shop.source).git.commit
    _git(shop.src, "worktree", "add", "--quiet", "--detach", str(shop.deployment.state / "rebuild" / left), commit)
    (shop.store.root / left).mkdir()
    shop.world.tags[f"tiered-rollback/shop/api:{left}"] = next(iter(shop.world.images))
    shop.world.tags[f"tiered-rollback/other/api:{left}"] = next(iter(shop.world.images))
    result = act()
    assert left not in shop.store.ids()
    assert f"tiered-rollback/shop/api:{left}" not in shop.world.tags
    assert f"tiered-rollback/other/api:{left}" in shop.world.tags
    assert left not in _git(shop.src, "worktree", "list")
    assert shop.store.proven(result["target"])


def test_an_unknown_version_names_what_is_available(act: Act, shop: Shop) -> None:
    with pytest.raises(RollbackError, match=r"no restore point for v9") as caught:
        act("v9")
    assert "Available: v0.9.0" in caught.value.hint


def test_a_link_in_the_commit_is_not_followed_to_a_live_file(
    act: Act, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = tmp_path / "live"
    live.write_text("mine")

    def add_worktree(self: Any, path: Path, commit: str) -> None:
        (path / "app").mkdir(parents=True)
        (path / "app/Dockerfile").write_text("x")
        (path / ".env").symlink_to(live)

    monkeypatch.setattr(
        "ansible_collections.tiered.rollback.plugins.module_utils._git.Checkout.add_worktree", add_worktree
    )
    act()
    assert live.read_text() == "mine"
