# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SQLite database in a named volume, of an application that is not root and writes while it is copied."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.stack import Stack

USER = "1234:1234"
_APPLICATION = """
import sqlite3, time
connection = sqlite3.connect('/app/data/app.db', isolation_level=None)
connection.execute('PRAGMA journal_mode = wal')
connection.execute('CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY)')
connection.execute('CREATE TABLE IF NOT EXISTS two (id INTEGER PRIMARY KEY REFERENCES one (id))')
while True:
    connection.execute('BEGIN IMMEDIATE')
    connection.execute('INSERT INTO one VALUES (NULL)')
    connection.execute('INSERT INTO two SELECT max(id) FROM one')
    connection.execute('COMMIT')
    print(connection.execute('SELECT count(*) FROM one').fetchone()[0], flush=True)
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Iterator[Stack]:
    made: Stack = make_stack()
    service = made.service(
        user=USER,
        entrypoint=["python3", "-c", _APPLICATION],
        command=[],
        healthcheck={"disable": True},
        volumes=["library:/app/data"],
        init=True,
    )
    made.description["services"] = {}
    made.compose({"api": service}, volumes={"library": {"labels": {engine.LABEL: made.project}}})
    made.tag("api:production", "v0.9.0")
    volume = f"{made.project}_library"
    run = ["docker", "compose", "-p", made.project]
    engine.docker(*run[1:], "create", cwd=str(made.src))
    (found,) = engine.inspect("volume", volume)
    Path(found["Mountpoint"]).chmod(0o777)
    engine.docker(*run[1:], "start", cwd=str(made.src))
    yield made
    engine.docker(*run[1:], "down", "-v", cwd=str(made.src))


def _call(on: Stack, tmp_path: Path, module: str, *arguments: str, **options: Any) -> dict[str, Any]:
    result, play = tmp_path / "result.json", tmp_path / "play.yml"
    where = {"project": on.project, "service": "api", "path": "/app/data/app.db"}
    tasks = [
        {f"tiered.rollback.{module}": {**where, **options}, "register": "found", "ignore_errors": True},
        {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(result)}, "check_mode": False},
    ]
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    on.run(str(play), *arguments).ok()
    return dict(json.loads(result.read_text()))


def _database(on: Stack, path: str = "/app/data/app.db") -> SqliteDatabase:
    described = Sqlite(name="library", path=path, service="api", schema_version=None, writers=None)
    return SqliteDatabase(described, Engine(), on.project)


def _written(on: Stack) -> int:
    (container,) = on.containers("api")
    lines = engine.docker("logs", "--tail", "1", container["Id"]).splitlines()
    return int(lines[-1]) if lines else 0


def test_a_database_in_a_volume_goes_back_and_its_application_goes_on(stack: Stack, tmp_path: Path) -> None:
    deadline = time.monotonic() + 20
    while _written(stack) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    backup = str(tmp_path / "backup")

    before = _written(stack)
    kept = _call(stack, tmp_path, "sqlite_backup", dest=backup)
    assert kept["tables"]["one"] == kept["tables"]["two"] >= before
    refused = _call(stack, tmp_path, "sqlite_restore", src=backup)
    assert refused["failed"]
    assert "(python3" in refused["msg"]

    (container,) = stack.containers("api")
    engine.docker("stop", "-t", "1", container["Id"])
    foretold = _call(stack, tmp_path, "sqlite_restore", "--check", src=backup, compare=True)
    real = _call(stack, tmp_path, "sqlite_restore", src=backup, compare=True)
    again = _call(stack, tmp_path, "sqlite_restore", src=backup)
    assert (foretold["changed"], real["changed"], again["changed"]) == (True, True, False)
    assert foretold["loss"] == real["loss"]
    assert {loss["table"] for loss in real["loss"]} == {"one", "two"}

    folder = _database(stack).live.parent
    owners = {(path.name, path.stat().st_uid) for path in folder.iterdir()}
    assert owners == {("app.db", 1234), (Path(real["displaced"]).name, 1234)}
    last = _written(stack)
    engine.docker("start", container["Id"])
    deadline = time.monotonic() + 20
    # It goes on counting from the backup, not from what was lost.
    while not kept["tables"]["one"] < _written(stack) < last:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (container,) = stack.containers("api")
    assert container["State"]["Running"]


def test_a_file_in_the_containers_own_layer_is_refused(stack: Stack) -> None:
    with pytest.raises(RollbackError, match="writable layer"):
        _unused = _database(stack, "/tmp/app.db").live
