# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _drill_plan, _staging, _staging_postgres
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with links of every kind, beside what it must not lead to."""
    (tmp_path / "secret").write_text("of production")
    tree = tmp_path / "source"
    (tree / "sub/deep").mkdir(parents=True)
    (tree / "file").write_text("one")
    (tree / "file").chmod(0o640)
    (tree / "sub").chmod(0o750)
    links = {
        "inside": "file",
        "sub/up": "../file",
        "absolute": str(tmp_path / "secret"),
        "absolute-inside": str(tree / "file"),
        "out": "../secret",
        "sub/folder-out": "../..",
        "sub/self": "..",
        # Looks as if it stayed, and goes out through the link before.
        "sub/through": "self/../secret",
        "dangling": "nothing",
    }
    for name, target in links.items():
        (tree / name).symlink_to(target)
    return tree


def test_links_that_lead_out_are_not_copied_and_all_else_is(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies/0"
    left_out = _staging.copy(source, target)
    assert sorted(str(Path(path).relative_to(source)) for path in left_out) == [
        "absolute",
        "absolute-inside",
        "out",
        "sub/folder-out",
        "sub/through",
    ]
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        "dangling",
        "file",
        "inside",
        "sub",
        "sub/deep",
        "sub/self",
        "sub/up",
    ]
    assert ((target / "file").stat().st_mode & 0o777, (target / "sub").stat().st_mode & 0o777) == (0o640, 0o750)
    for path in target.rglob("*"):
        assert Path(os.path.realpath(path)).is_relative_to(target)
    (target / "inside").write_text("of the copy")
    assert (source / "file").read_text() == "one"


def test_sockets_and_pipes_are_left_out_and_what_is_not_there_becomes_a_folder(tmp_path: Path) -> None:
    tree = tmp_path / "t"
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "s"))
        assert sorted(_staging.copy(tree, tmp_path / "c/0")) == [str(tree / "pipe"), str(tree / "s")]
    assert _staging.copy(tmp_path / "absent", tmp_path / "c/1") == []
    assert list((tmp_path / "c/1").iterdir()) == []
    assert _staging.copy(tree / "pipe", tmp_path / "c/2") == [str(tree / "pipe")]


def test_a_postgresql_servers_own_files_are_not_copied(tmp_path: Path) -> None:
    files = tmp_path / "t/pgdata"
    (files / "global").mkdir(parents=True)
    (files / "global/pg_control").write_text("of a server that runs")
    files.chmod(0o700)
    (tmp_path / "t/own").write_text("x")
    assert _staging.copy(tmp_path / "t", tmp_path / "c/0") == [str(files)]
    # Images make it anew where it is not there, or is mounted and empty.
    assert [path.name for path in (tmp_path / "c/0").rglob("*")] == ["own"]
    assert _staging.copy(files, tmp_path / "c/1") == [str(files)]
    assert list((tmp_path / "c/1").iterdir()) == []
    assert (tmp_path / "c/1").stat().st_mode & 0o777 == 0o700


def test_a_link_that_a_service_has_made_to_the_outside_is_found(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "drill"
    _staging.copy(source, target / "tree/0")
    _staging.refuse_links_out(target)
    (target / "tree/0/new").symlink_to("/etc")
    with pytest.raises(RollbackError, match="new leads out of the staging copy, to /etc"):
        _staging.refuse_links_out(target)


@pytest.fixture
def copied(drilled: Any, deployment: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A staging copy whose Compose is only told what to do."""
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr(_staging, "compose", lambda _plan, *args, **_options: said.append(args) or "")
    monkeypatch.setattr(_staging, "wait", lambda *_: said.append(("wait",)))
    ctx = drilled()
    ctx.engine.untag = lambda name: said.append(("untag", name))
    drill = _drill_plan.make(ctx, ctx.module.params, "")
    (deployment.src / "files/link").symlink_to(deployment.src / ".env")
    left_out = _staging.present(ctx, drill)
    return ctx, drill, said, left_out


def test_a_copy_is_made_of_what_the_restore_point_has(copied: Any, deployment: Any) -> None:
    ctx, drill, said, left_out = copied
    plan = drill.plan
    assert [args[0] for args in said] == ["create", "up", "wait"]
    assert left_out == [str(deployment.src / "files/link")]
    (place,) = plan["paths"].values()
    assert (Path(place) / "one").read_text() == "of production"
    images = {call[2]: call[1] for call in deployment.world.calls if call[0] == "tag"}
    old = deployment.world.tags["shop:v0.9.0"]
    assert images == {f"{plan['name']}/api:drill": old, f"{plan['name']}/web:drill": old}
    project = json.loads((Path(plan["project_src"]) / "compose.yml").read_text())
    assert project["services"]["web"]["volumes"][0]["source"] == place
    assert _staging.recall(ctx)["name"] == plan["name"]
    assert _staging.remains(ctx.state) == [plan["name"]]
    assert Path(plan["root"]).stat().st_mode & 0o777 == 0o700
    (Path(place) / "one").write_text("of the copy")
    assert (deployment.src / "files/one").read_text() == "of production"


def test_databases_are_there_before_who_works_with_them(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(_staging, "compose", lambda _plan, *args, **_options: said.append(args) or "")
    monkeypatch.setattr(_staging_postgres, "fill", lambda _ctx, stack, *_: said.append(stack.postgres[0].container))
    monkeypatch.setattr(_staging, "wait", lambda *_: None)
    ctx = served()
    drill = _drill_plan.make(ctx, ctx.module.params, "")
    _staging.present(ctx, drill)
    up = ("up", "--detach", "--no-build", "--pull", "never")
    assert said[1:] == [(*up, "web"), f"{drill.plan['name']}-web-1", up]


def test_a_plan_of_another_drill_is_not_taken_for_ones_own(copied: Any, drilled: Any) -> None:
    ctx, drill, _said, _left_out = copied
    with pytest.raises(RollbackError, match="there is no staging copy drill-shop-20261120t100000z-000002"):
        _staging.recall(drilled(2))
    _staging.write(Path(drill.plan["root"]), _staging.PLAN, {**drill.plan, "root": "/opt/shop"})
    with pytest.raises(RollbackError, match="is about another drill"):
        _staging.recall(ctx)


def test_a_release_is_deployed_and_may_fail_only_where_that_is_meant(
    copied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ctx, drill, _said, _left_out = copied

    def fails(*_arguments: Any, **_options: Any) -> str:
        raise RollbackError("cannot start")

    monkeypatch.setattr(_staging, "compose", fails)
    with pytest.raises(RollbackError, match="cannot start"):
        _staging.release(drill.plan)
    _staging.release({**drill.plan, "fault": "bad_config"})
    project = _staging.read_compose_file(drill.plan)
    assert project["services"]["api"]["entrypoint"] == ["/drill/there-is-no-such-program"]
    assert project["services"]["api"]["labels"]["tiered.rollback.drill.release"] == "bad_config"


def test_everything_of_a_copy_goes_and_nothing_else(copied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx, drill, said, _left_out = copied
    name, called = drill.plan["name"], []
    ctx.engine.world.tags |= {f"tiered-rollback/{name}/api:x": "sha256:1", "tiered-rollback/shop/api:x": "sha256:1"}

    def docker(*arguments: str, **_options: Any) -> str:
        called.append(arguments)
        return "one two" if "ls" in arguments else ""

    monkeypatch.setattr(_staging, "docker", docker)
    said.clear()
    # What a killed module left at work.
    orphan = subprocess.Popen(["sleep", "60"], cwd=drill.plan["project_src"])
    _staging.absent(name, Path(drill.plan["root"]), ctx.engine)
    assert orphan.wait(10) < 0
    assert [args[:2] for args in called] == [
        (kind, verb) for kind in ("container", "network", "volume") for verb in ("ls", "rm")
    ]
    assert all(f"label=com.docker.compose.project={name}" in args for args in called if "ls" in args)
    assert {args[1] for args in said} == {f"{name}/api:drill", f"{name}/web:drill", f"tiered-rollback/{name}/api:x"}
    assert _staging.remains(ctx.state) == []


@pytest.mark.parametrize("name", ["shop", "", "drillshop"])
def test_what_no_drill_has_made_is_never_acted_on(name: str, tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="is no staging copy"):
        _staging.absent(name, tmp_path, None)  # type: ignore[arg-type]
    with pytest.raises(RollbackError, match="is no staging copy"):
        _staging.compose({"name": name, "project_src": "/opt/shop"}, "down")
    assert tmp_path.exists()


def test_a_job_that_has_ended_well_is_not_taken_for_broken(build: Any) -> None:
    class Engine:
        found = (
            build.container("web"),
            build.container("job", running=False, exit_code=0, health=None),
            build.container("bad-job", running=False, exit_code=1, health=None),
            build.container("slow", health="starting"),
            build.container("ended", running=False, exit_code=0, health=None),
        )

        def containers(self, _project: str) -> Any:
            return self.found

    plan = {"name": "drill-x", "services": ["web", "job", "gone"], "jobs": ["job", "bad-job"]}
    assert _staging.unwell(Engine(), plan) == [  # type: ignore[arg-type]
        "gone has no container",
        "bad-job is not running (exit code 1)",
        "slow is running, starting",
        "ended is not running (exit code 0)",
    ]


def test_a_copy_that_does_not_get_well_is_given_up(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_staging, "unwell", lambda *_: ["web is sick"])
    with pytest.raises(RollbackError, match="does not get well: web is sick"):
        _staging.wait(build.stack(health_timeout=0), None, {})  # type: ignore[arg-type]
    monkeypatch.setattr(_staging, "unwell", lambda *_: [])
    _staging.wait(build.stack(health_timeout=0), None, {})  # type: ignore[arg-type]


def test_a_database_outside_the_copy_is_never_written(
    drilled: Any, deployment: Any, build: Any, tmp_path: Path
) -> None:
    outside = tmp_path / "shop.db"
    stack = build.stack(sqlite=[{"path": str(outside)}])
    with pytest.raises(RollbackError, match="is not in the staging copy"):
        _staging._place(drilled(), stack.sqlite[0], build.point(), {"name": "drill-x", "root": "/elsewhere"})
    assert not outside.exists()
