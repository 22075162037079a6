# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_place
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container, Mount
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite


@dataclass
class FakeEngine:
    """Containers of one project with what they mount."""

    mounted: dict[str, list[Mount]] = field(default_factory=dict)
    pid: int = 0

    def containers(self, _project: str) -> list[Container]:
        values: dict[str, Any] = dict.fromkeys(Container.__dataclass_fields__, "")
        return [
            Container(**{**values, "id": name, "name": name, "service": "app", "pid": self.pid})
            for name in self.mounted
        ]

    def mounts(self, container_id: str) -> list[Mount]:
        return self.mounted[container_id]


def _find(engine: FakeEngine, service: str = "app", proc: Path = Path("/proc")) -> Path:
    described = Sqlite(name="x", path="/app/data/x.db", service=service, schema_version=None, writers=None)
    return _sqlite_place.find(described, cast(Engine, engine), "shop", proc)


def _mount(source: Path | str, target: str = "/app/data", kind: str = "volume") -> Mount:
    return Mount(kind=kind, source=str(source), target=target)


def test_a_path_on_the_host_is_followed_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    (tmp_path / "link.db").symlink_to("x.db")
    assert sqlite.database(tmp_path / "link.db").live == tmp_path / "x.db"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="is not on this host"):
        _unused = sqlite.database(tmp_path / "none" / "x.db").live
    with pytest.raises(RollbackError, match="is not on this host"):
        _find(FakeEngine({"c1": [_mount(tmp_path / "none")]}))


def test_the_mount_nearest_to_the_file_holds_it(tmp_path: Path) -> None:
    mounts = [_mount(tmp_path / "far", "/"), _mount(tmp_path, kind="bind"), _mount(tmp_path / "other", "/app/database")]
    assert _find(FakeEngine({"c1": mounts})) == tmp_path / "x.db"


def test_a_file_may_be_mounted_by_itself(tmp_path: Path) -> None:
    assert _find(FakeEngine({"c1": [_mount(tmp_path / "y.db", "/app/data/x.db")]})) == tmp_path / "y.db"


def test_replicas_may_share_one_file_and_not_have_two(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert _find(FakeEngine({"c1": [_mount(tmp_path)], "c2": [_mount(tmp_path)]})) == tmp_path / "x.db"
    with pytest.raises(RollbackError, match="have 2 files"):
        _find(FakeEngine({"c1": [_mount(tmp_path)], "c2": [_mount(tmp_path / "b")]}))


@pytest.mark.parametrize(
    ("mounts", "where"), [([], "its writable layer"), ([_mount("", kind="tmpfs")], "a tmpfs mount")]
)
def test_a_file_that_is_lost_with_its_container_is_refused(mounts: list[Mount], where: str) -> None:
    with pytest.raises(RollbackError, match=where) as caught:
        _find(FakeEngine({"c1": mounts}))
    assert "volume" in caught.value.hint


def test_a_service_without_containers_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="no container of service db") as caught:
        _find(FakeEngine({"c1": [_mount(tmp_path)]}), "db")
    assert "app" in caught.value.hint


def test_a_link_that_leads_out_of_the_volume_is_refused(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "x.db").symlink_to("/etc/passwd")
    with pytest.raises(RollbackError, match="leads out of its volume"):
        _find(FakeEngine({"c1": [_mount(tmp_path / "volume")]}))


def test_a_file_that_the_container_does_not_see_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "proc/7/root/app/data"
    inside.mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text("0::/docker/c1\n")
    (tmp_path / "x.db").touch()
    engine = FakeEngine({"c1": [_mount(tmp_path)]}, pid=7)
    (inside / "x.db").hardlink_to(tmp_path / "x.db")
    assert _find(engine, proc=tmp_path / "proc") == tmp_path / "x.db"
    (inside / "x.db").unlink()
    (inside / "x.db").touch()
    with pytest.raises(RollbackError, match=r"is not .* on this host"):
        _find(engine, proc=tmp_path / "proc")


def test_an_idle_connection_of_another_process_is_seen(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "x.db", mode="delete")
    assert _sqlite_place.holders(live) == []
    code = (
        "import sqlite3,sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM author').fetchall(); input(1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(live)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.read(1)
        assert [who.split(" (")[0] for who in _sqlite_place.holders(live)] == [f"process {process.pid}"]
        process.stdin.close()
    assert _sqlite_place.holders(live) == []


def test_a_lock_of_a_process_out_of_sight_is_seen(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "x.db", mode="delete")
    (tmp_path / "proc").mkdir()
    pid = os.fork()
    if pid == 0:
        with closing(sqlite3.connect(live, isolation_level=None)) as held:
            held.execute("BEGIN EXCLUSIVE")
            (tmp_path / "locked").touch()
            while not (tmp_path / "end").exists():
                pass
        os._exit(0)
    try:
        while not (tmp_path / "locked").exists():
            pass
        assert _sqlite_place.holders(live, tmp_path / "proc") == [f"process {pid}"]
    finally:
        (tmp_path / "end").touch()
        os.waitpid(pid, 0)
