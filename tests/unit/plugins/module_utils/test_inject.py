# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _command,
    _drivers,
    _faults,
    _inject,
    _proc,
    _staging,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

NAME = "drill-shop-20261120t100000z-000001"


@pytest.fixture
def scene(tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A staging copy of one service, and what is done to it."""
    done: list[Any] = []
    container = build.container("web", project=NAME, name=f"{NAME}-web-1")
    engine = SimpleNamespace(
        found=[container, build.container("db", project=NAME)],
        tag=lambda image, name: done.append(("tag", image, name)),
    )
    engine.containers = lambda _project: engine.found
    monkeypatch.setattr(_staging, "docker", lambda *args, **_options: done.append(args) or "")
    monkeypatch.setattr(_staging, "release", lambda plan: done.append(("release", plan["fault"])))
    monkeypatch.setattr(_command, "run", lambda argv, **_options: done.append(tuple(argv)) or "")
    monkeypatch.setattr(_proc, "is_local", lambda _container: True)
    networks = {"default": {"name": f"{NAME}_default"}}
    project = {"services": {"web": {"networks": {"default": {}}}}, "networks": networks}
    monkeypatch.setattr(_staging, "read_compose_file", lambda _plan: project)
    plan = {
        "name": NAME,
        "root": str(tmp_path),
        "project_src": str(tmp_path),
        "service": "web",
        "services": ["web", "db"],
        "jobs": [],
        "from_images": {"web": "sha256:2"},
        "from_version": "v1.0.0",
        "version": "v0.9.0",
    }

    def put(fault: str, **changes: Any) -> dict[str, Any]:
        stack = build.stack(health_timeout=0)
        return _inject.inject({**plan, "fault": fault, **changes}, stack, engine, 0.0)  # type: ignore[arg-type]

    return SimpleNamespace(put=put, done=done, engine=engine, container=container, root=tmp_path)


def test_a_container_of_the_copy_is_killed_and_nothing_else(scene: Any) -> None:
    found = scene.put("container_kill")
    assert scene.done == [
        ("tag", "sha256:2", f"{NAME}/web:drill"),
        ("release", "container_kill"),
        ("kill", scene.container.id),
    ]
    assert found["said"] == f"{NAME}-web-1: a container is killed"
    assert (found["noticed"], found["noticed_after"]) == (None, None)
    assert (scene.root / "fault.json").is_file()


def test_a_container_is_cut_off_and_packets_are_held_back(scene: Any) -> None:
    scene.put("network_cut")
    assert scene.done[-1] == ("network", "disconnect", "--force", f"{NAME}_default", scene.container.id)
    scene.put("latency")
    pid = str(scene.container.pid)
    assert scene.done[-1][:5] == ("nsenter", "--target", pid, "--net", "tc")


def test_a_process_is_killed_only_where_it_is_the_containers(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))
    scene.put("process_kill")
    assert killed == [(scene.container.pid, 9)]
    monkeypatch.setattr(_proc, "is_local", lambda _container: False)
    with pytest.raises(RollbackError, match="is not to be seen from here"):
        scene.put("process_kill")
    assert len(killed) == 1


def test_a_databases_server_is_stopped(scene: Any) -> None:
    found = scene.put("database_stop")
    assert scene.done[-1] == ("stop", scene.container.id)
    assert found["said"] == f"{NAME}-web-1: the server of a database is stopped"


@pytest.mark.parametrize(
    ("described", "script"),
    [
        ({"postgres": [{"database": "shop", "container": f"{NAME}-db-1"}]}, "DROP TABLE public.t CASCADE"),
        ({"sqlite": [{"path": "/shop", "name": "shop"}]}, 'DROP TABLE "public.t"; CREATE TABLE drill_migration'),
    ],
)
def test_a_migration_ruins_the_copys_database_and_no_other(
    scene: Any, build: Any, monkeypatch: pytest.MonkeyPatch, described: dict[str, Any], script: str
) -> None:
    class Database:
        name = "shop"

        def execute(self, script: str, _timeout: int) -> None:
            scene.done.append(script)

    monkeypatch.setattr(_drivers, "of_stack", lambda *_: [(Database(), None)])
    stack, plan = build.stack(**described), {"name": NAME, "tables": {"shop": {"public.t": 3}}}
    scene.engine.container = lambda name: build.container("db", project=NAME, name=name)
    _inject._migrate(stack, scene.engine, plan)
    assert scene.done[0].startswith(script)
    scene.done.clear()
    scene.engine.container = lambda name: build.container("db", name=name)
    if stack.postgres:
        with pytest.raises(RollbackError, match="is not in the staging copy"):
            _inject._migrate(stack, scene.engine, plan)
        assert scene.done == []


def test_a_container_of_another_project_is_never_touched(scene: Any, build: Any) -> None:
    scene.engine.found = [build.container("web"), build.container("db")]
    with pytest.raises(RollbackError, match="shop-web-1 is not in the staging copy"):
        scene.put("container_kill")
    assert not [each for each in scene.done if each[0] == "kill"]


def test_nothing_is_done_to_what_is_no_copy(scene: Any) -> None:
    with pytest.raises(RollbackError, match="shop is no staging copy"):
        scene.put("container_kill", name="shop")
    assert scene.done == []


def test_a_release_that_is_ill_by_itself_is_fault_enough(scene: Any, build: Any) -> None:
    dead = build.container("web", project=NAME, running=False, exit_code=1, health=None)
    scene.engine.found = [dead, build.container("db", project=NAME)]
    found = scene.put("container_kill")
    assert found["said"].startswith("v1.0.0 does not get well by itself, so no other fault was injected")
    assert "web is not running (exit code 1)" in found["said"]
    assert scene.done[-1] == ("release", "container_kill")
    with pytest.raises(RollbackError, match="does not get well"):
        scene.put("container_kill", from_version="v0.9.0")


def test_a_service_that_does_not_run_cannot_be_hit(scene: Any, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_staging, "wait", lambda *_: None)
    scene.engine.found = [build.container("web", project=NAME, running=False, exit_code=0, health=None)]
    with pytest.raises(RollbackError, match="no container of web runs in the staging copy"):
        scene.put("container_kill")


def test_a_bad_image_is_empty_and_has_the_copys_name(scene: Any) -> None:
    scene.put("bad_image")
    assert [each[0] for each in scene.done] == ["tag", "import", "tag", "release"]
    assert scene.done[1][-1] == f"{NAME}/broken:drill"
    assert scene.done[2] == ("tag", f"{NAME}/broken:drill", f"{NAME}/web:drill")


def test_a_fault_that_is_noticed_says_by_what(scene: Any) -> None:
    scene.engine.found = scene.engine.found[:1]
    stack = SimpleNamespace(checks=())
    plan = {"name": NAME, "services": ["web", "db"], "jobs": []}
    assert _inject._noticed(plan, stack, scene.engine) == "db has no container"  # type: ignore[arg-type]


def test_a_link_out_that_the_release_has_made_ends_the_drill(scene: Any) -> None:
    (scene.root / "link").symlink_to("/etc")
    with pytest.raises(RollbackError, match="leads out of the staging copy"):
        scene.put("bad_config")


def test_whether_packets_can_be_held_back_is_found_out_by_doing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inject.shutil, "which", lambda tool: None if tool == "tc" else tool)
    assert _inject.latency_problem() == "tc is not installed"
    monkeypatch.setattr(_inject.shutil, "which", lambda tool: tool)
    monkeypatch.setattr(_command, "run", lambda *_args, **_options: "")
    assert _inject.latency_problem() == ""

    def fails(*_args: Any, **_options: Any) -> str:
        raise RollbackError("Specified qdisc kind is unknown")

    monkeypatch.setattr(_command, "run", fails)
    assert _inject.latency_problem() == "the kernel has no netem (module sch_netem)"


def test_a_directory_of_the_hosts_disk_is_never_filled(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for outer in (os.fstat(directory).st_dev, -1):
            # Another device, but not a small one, is refused as well.
            with pytest.raises(RollbackError, match="no small file system of its own"):
                _inject.fill(directory, outer)
    finally:
        os.close(directory)
    assert list(tmp_path.iterdir()) == []


def test_a_small_file_system_is_filled_to_the_last_byte(tmp_path: Path) -> None:
    script = (
        f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && "
        f"{sys.executable} -c 'import os, sys; "
        "from ansible_collections.tiered.rollback.plugins.module_utils import _inject; "
        "d = os.open(sys.argv[1], os.O_RDONLY); _inject.fill(d, -1); print(os.fstatvfs(d).f_bavail)' "
        f"{tmp_path}"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False, env=env
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("no right to mount here")
    assert done.stdout.strip() == "0", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_limit_is_that_of_what_is_mounted() -> None:
    assert _faults.FULL_BYTES <= 16 << 20
