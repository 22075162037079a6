# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _databases, _pg_tools
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Server
from ansible_collections.tiered.rollback.plugins.module_utils._pg_tools import Tools

PASSWORD = "hunter2"


class Engine:
    def __init__(self) -> None:
        self.removed: list[str] = []

    def container(self, _name: str) -> Any:
        return SimpleNamespace(running=True, addresses=("172.18.0.5",), id="c1", image_id="sha256:1", pid=7)

    def remove(self, name: str) -> None:
        self.removed.append(name)


def _server(**changes: Any) -> Server:
    values = {key: spec.get("default") for key, spec in _databases.POSTGRES_SPEC.items()}
    values |= {"database": "shop", "password": PASSWORD, **changes}
    return Server(_databases.parse_postgres(values, "postgres[0]"), Engine() if values["container"] else None)  # type: ignore[arg-type]


def _script(directory: Path, name: str, text: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("at_hand", "container", "expected"),
    [
        ({15: "15", 16: "16"}, None, "15"),
        ({16: "16", 17: "17"}, None, "16"),
        ({16: "16"}, "db", "docker"),
        ({14: "14"}, "db", "docker"),
        ({15: "15"}, "db", "15"),
    ],
)
def test_the_tools_are_of_the_servers_release_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at_hand: dict[int, str], container: str | None, expected: str
) -> None:
    monkeypatch.setattr(_pg_tools, "host_tools", lambda: {k: tmp_path / v for k, v in at_hand.items()})
    for name in {*at_hand.values(), "docker"}:
        (tmp_path / name).mkdir()
        for tool in ("pg_dump", "docker"):
            _script(tmp_path / name, tool, f"echo {name} >&2")
    monkeypatch.setenv("PATH", f"{tmp_path}/docker:/usr/bin:/bin")
    said: list[str | None] = []
    Tools(_server(container=container, host="h"), 15).run("pg_dump", [], tmp_path, said.append)
    assert said == [expected]


def test_without_any_tools_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pg_tools, "host_tools", lambda: {14: Path("/x")})
    with pytest.raises(RollbackError, match="postgresql-client-15"):
        Tools(_server(host="h"), 15)


@pytest.mark.parametrize(("host", "network"), [(None, "container:c1"), ("127.0.0.1", "host")])
def test_the_password_is_on_no_command_line_and_what_a_killed_run_left_is_removed_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str | None, network: str
) -> None:
    monkeypatch.setattr(_pg_tools, "host_tools", dict)
    _script(tmp_path, "docker", f'echo "$@" >{tmp_path}/argv; echo "$PGPASSWORD" >{tmp_path}/password')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    server = _server(container="db", host=host, passfile="/p")
    Tools(server, 15).run("pg_dump", ["--jobs=2"], tmp_path / "copy", lambda _line: None)
    argv = (tmp_path / "argv").read_text()
    assert PASSWORD not in argv
    assert (tmp_path / "password").read_text().strip() == PASSWORD
    assert f"--network {network} " in argv
    assert f"type=bind,source={tmp_path}/copy,target={tmp_path}/copy " in argv
    assert "source=/p,target=/p,readonly" in argv
    assert "--label tiered.rollback.client=shop" in argv
    assert argv.endswith("--entrypoint pg_dump sha256:1 --jobs=2\n")
    (removed,) = server.engine.removed  # type: ignore[union-attr]
    assert f"--name {removed} " in argv


def test_a_failure_quotes_the_last_lines_without_the_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_pg_tools, "host_tools", lambda: {15: tmp_path})
    _script(tmp_path, "pg_restore", f"for i in $(seq 40); do echo line $i >&2; done; echo is {PASSWORD} >&2; exit 3")
    with pytest.raises(RollbackError) as caught:
        Tools(_server(host="h"), 15).run("pg_restore", [], tmp_path, lambda _line: None)
    assert caught.value.message.startswith("pg_restore failed (3): line 27\n")
    assert caught.value.message.endswith("is ***")


def test_a_tool_does_not_outlive_whoever_watches_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_pg_tools, "host_tools", lambda: {15: tmp_path})
    monkeypatch.setattr(_pg_tools, "_TICK", 0.01)
    _script(tmp_path, "pg_dump", "exec sleep 60")

    def watch(line: str | None) -> None:
        assert line is None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tools(_server(host="h"), 15).run("pg_dump", [], tmp_path, watch)


def test_the_hosts_tools_are_found_by_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for release in ("14", "16"):
        (tmp_path / release / "bin").mkdir(parents=True)
        for tool in ("pg_dump", "pg_restore"):
            _script(tmp_path / release / "bin", tool, f"echo 'pg_restore (PostgreSQL) {release}.4 (Debian)'")
    monkeypatch.setattr(_pg_tools, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    # The wrapper on PATH needs a shell, which PATH does not lead to.
    assert _pg_tools.host_tools() == {14: tmp_path / "14/bin", 16: tmp_path / "16/bin"}
