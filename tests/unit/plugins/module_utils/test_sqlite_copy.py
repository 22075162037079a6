# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_check, _sqlite_copy, _sqlite_file
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
        summed = _sqlite_copy.copy(live, tmp_path / "copy", lambda done, _total, _unit: told.append(done))
    copy = tmp_path / "copy"
    found = _sqlite_check.examine(copy, None, summed, full=True)
    assert found.sha256 == _files.digest(copy)
    assert found.tables["author"] == found.tables["book"] > 5000
    assert 40e6 < told[-1] <= copy.stat().st_size
    # What a writer waits for is a step, not the copy; a loaded machine needs room.
    assert longest
    assert longest[0] < 2


def test_a_commit_that_is_only_in_the_log_is_in_the_copy(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    sqlite.crash(live, "wal")
    assert live.with_name("app.db-wal").stat().st_size
    assert _sqlite_copy.copy(live, tmp_path / "copy", sqlite.quiet)() == _files.digest(tmp_path / "copy")
    assert sqlite.rows(tmp_path / "copy") == 101


@pytest.mark.parametrize("in_log", [0, 1])
def test_what_is_committed_and_written_back_meanwhile_is_not_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_log: int
) -> None:
    """Whether the reader that the copy is made under finds something in the log, or only the file."""
    monkeypatch.setattr(_sqlite_file, "CHUNK", 65536)
    live, copy = sqlite.make(tmp_path / "app.db", rows=2000, padding=200), tmp_path / "copy"
    with closing(sqlite3.connect(live, isolation_level=None)) as application:
        for _commit in range(in_log):
            application.execute("UPDATE author SET name = 'before' WHERE id = 1000")

        def commit(_done: int, _total: int, _unit: str) -> None:
            application.execute("UPDATE book SET title = 'since' || hex(randomblob(100))")
            application.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

        summed = _sqlite_copy.copy(live, copy, commit)
        assert sqlite.rows(live, "SELECT count(*) FROM book WHERE title LIKE 'since%'") == 2000
    assert sqlite.rows(copy, "SELECT count(*) FROM author WHERE name = 'before'") == in_log
    assert sqlite.rows(copy, "SELECT count(*) FROM book WHERE title LIKE 'since%'") == 0
    assert sqlite.rows(copy, "PRAGMA integrity_check") == "ok"
    assert summed() == _files.digest(copy)


@contextmanager
def _needing_the_log(live: Path) -> Iterator[None]:
    """Keep a reader of an older state open, so that what is committed now cannot be written back."""
    with closing(sqlite3.connect(live, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM author").fetchone()
        sqlite.execute(live, "INSERT INTO author (name) VALUES ('only in the log')")
        yield


def test_what_an_older_reader_keeps_in_the_log_is_in_the_copy(tmp_path: Path) -> None:
    live, copy = sqlite.make(tmp_path / "app.db"), tmp_path / "copy"
    with _needing_the_log(live):
        summed = _sqlite_copy.copy(live, copy, sqlite.quiet)
        assert live.with_name("app.db-wal").stat().st_size
    assert summed() == _files.digest(copy)
    assert sqlite.rows(copy) == 101


def test_a_file_that_cannot_be_written_to_is_copied_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if "wal_checkpoint(PASSIVE)" in statement:
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(statement, *values)

    live, copy = sqlite.make(tmp_path / "app.db"), tmp_path / "copy"
    sqlite.crash(live, "wal")
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Full))
    summed = _sqlite_copy.copy(live, copy, sqlite.quiet)
    assert summed() == _files.digest(copy)
    assert sqlite.rows(copy) == 101


def test_an_application_that_closes_meanwhile_does_not_take_the_log_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removes the log where nobody else holds a lock; and a closed descriptor of ours would let go of ours."""
    live = sqlite.make(tmp_path / "app.db")
    real = _sqlite_file.copy
    pipe = subprocess.PIPE
    with (
        _needing_the_log(live),
        subprocess.Popen([sys.executable, "-c", _APPLICATION, live], stdin=pipe, stdout=pipe, text=True) as process,
    ):
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
    assert sqlite.rows(tmp_path / "copy") == 102


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
