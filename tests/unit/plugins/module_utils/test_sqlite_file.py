# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from queue import SimpleQueue

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite


def test_looking_at_a_live_file_leaves_nothing_beside_it_and_changes_nothing(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "odd name?#%.db")
    before = live.read_bytes()
    with _sqlite_file.opened(live) as connection:
        assert _sqlite_file.counts(connection) == {"author": 100, "book": 100}
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM book")
    assert list(tmp_path.iterdir()) == [live]
    assert live.read_bytes() == before


def test_another_users_file_is_not_opened_but_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = sqlite.make(tmp_path / "app.db")
    monkeypatch.setattr(os, "geteuid", lambda: live.stat().st_uid + 1)
    with pytest.raises(RollbackError, match="belongs to another user"), _sqlite_file.opened(live):
        pass


def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("not a database" * 100)
    with pytest.raises(RollbackError, match="is damaged"), _sqlite_file.opened(tmp_path / "app.db") as connection:
        _sqlite_file.counts(connection)


def test_virtual_tables_are_counted_by_their_shadow_tables(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    sqlite.execute(path, "CREATE VIRTUAL TABLE found USING fts5(text)", "INSERT INTO found VALUES ('word')")
    with _sqlite_file.opened(path) as connection:
        counts = _sqlite_file.counts(connection)
    assert "found" not in counts
    assert counts["found_content"] == 1


@pytest.mark.parametrize("refused", [True, False])
def test_a_file_is_copied_also_between_file_systems_that_cannot_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "another file system")

    if refused:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    (tmp_path / "a").write_bytes(os.urandom(100_000))
    told: list[tuple[int, int, str]] = []
    with (tmp_path / "a").open("rb") as source:
        _sqlite_file.copy(source, tmp_path / "b", lambda *progress: told.append(progress))
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert told[-1] == (100_000, 100_000, "bytes")
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_a_copy_is_summed_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(_sqlite_file, "CHUNK", 70_000)
    (tmp_path / "a").write_bytes(os.urandom(size))
    with (tmp_path / "a").open("rb") as source:
        summed = _sqlite_file.copy_and_sum(source, tmp_path / "b", lambda *_: None)
    assert summed() == _files.digest(tmp_path / "a") == _files.digest(tmp_path / "b")


def test_what_was_written_and_is_not_there_has_no_sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"short")
    grown: SimpleQueue[int] = SimpleQueue()
    grown.put(6)
    grown.put(0)
    with pytest.raises(OSError, match="shorter than what was written"):
        _sqlite_file._sum(tmp_path / "a", grown)
