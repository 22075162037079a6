# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_check, _sqlite_copy, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite

#: Commits into the log, and closes its connection when it is told to.
_APPLICATION = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO author (name) VALUES ('only in the log')")
print("ready", flush=True)
sys.stdin.readline()
connection.close()
"""


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_a_copy_made_while_another_process_writes_is_of_one_moment(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = sqlite.make(tmp_path / "app.db", mode=mode, rows=5000, padding=8000)
    told: list[int] = []
    # Without a log a commit between two steps begins the copy again. When to give that up is another test's matter: a
    # step takes its time on a busy machine.
    monkeypatch.setattr(_sqlite_copy, "_RESTARTS", 1000)
    with sqlite.writing(live, 0.05 if mode == "wal" else 1.0) as longest:
        while sqlite.rows(live) < 5003:
            pass
        _sqlite_copy.copy(live, tmp_path / "copy", lambda done, _total, _unit: told.append(done))
    copy = tmp_path / "copy"
    counts = _sqlite_check.examine(copy, None, full=True).tables
    assert counts["author"] == counts["book"] > 5000
    assert 40e6 < told[-1] <= copy.stat().st_size
    # What a writer waits for is a step, not the copy; a loaded machine needs room.
    assert longest
    assert longest[0] < 2


def test_a_commit_that_is_only_in_the_log_is_in_the_copy(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    sqlite.crash(live, "wal")
    assert live.with_name("app.db-wal").stat().st_size
    _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)
    assert sqlite.rows(tmp_path / "copy") == 101


def test_an_application_that_closes_meanwhile_does_not_take_the_log_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removes the log where nobody else holds a lock; and a closed descriptor of ours would let go of ours."""
    live = sqlite.make(tmp_path / "app.db")
    real = _sqlite_file.copy
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _APPLICATION, live], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        def copy(source: BinaryIO, target: Path, progress: Any) -> None:
            if target.name.endswith("-wal"):
                process.communicate("\n")
                assert live.with_name("app.db-wal").stat().st_size
            real(source, target, progress)

        monkeypatch.setattr(_sqlite_file, "copy", copy)
        _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)
        assert process.returncode == 0
    assert sqlite.rows(tmp_path / "copy") == 101


def test_what_the_disk_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    live = sqlite.make(tmp_path / "app.db")
    monkeypatch.setattr(_sqlite_file, "copy", refuse)
    with pytest.raises(RollbackError, match=r"cannot copy .*/app.db: Input/output error"):
        _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)


def test_an_interrupted_transaction_is_not_in_the_copy(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db", mode="delete")
    sqlite.crash(live, "delete")
    assert live.with_name("app.db-journal").stat().st_size
    _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)
    assert sqlite.rows(tmp_path / "copy", "SELECT count(*) FROM author WHERE name LIKE 'author %'") == 100
    assert sqlite.rows(tmp_path / "copy", "PRAGMA integrity_check") == "ok"


def test_two_copies_of_the_same_state_are_the_same_bytes(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    for name in ("one", "two"):
        _sqlite_copy.copy(live, tmp_path / name, sqlite.quiet)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_empty_database_is_copied(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    _sqlite_copy.copy(tmp_path / "app.db", tmp_path / "copy", sqlite.quiet)
    assert (tmp_path / "copy").exists()


def test_without_a_log_commits_that_come_faster_than_steps_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = sqlite.make(tmp_path / "app.db", mode="delete", rows=2000, padding=8000)
    monkeypatch.setattr(_sqlite_copy, "_STEP", 65536)
    monkeypatch.setattr(_sqlite_copy, "_HELD", 0.0)

    with closing(sqlite3.connect(live, isolation_level=None)) as writer:

        def commit(_done: int, _total: int, _unit: str) -> None:
            writer.execute("INSERT INTO author (name) VALUES ('now')")

        with pytest.raises(RollbackError, match="faster than it can be copied"):
            _sqlite_copy.copy(live, tmp_path / "copy", commit)


def test_a_lock_that_is_never_given_back_is_an_error_that_names_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_file, "PATIENCE", 0.1)
    live = sqlite.make(tmp_path / "app.db", mode="delete")
    with closing(sqlite3.connect(live, isolation_level=None)) as application:
        application.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RollbackError, match="stayed locked"):
            _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)
