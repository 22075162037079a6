# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_file, _sqlite_script
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite


@pytest.fixture(params=["wal", "delete"])
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database of 100 authors and as many books."""
    return sqlite.make(tmp_path / "app.db", mode=request.param)


def _everything(live: Path) -> list[str]:
    with closing(sqlite3.connect(live)) as connection:
        return list(connection.iterdump())


def test_every_statement_of_a_script_is_done(live: Path) -> None:
    script = """-- COMMIT; in a comment, and a trigger with statements of its own
        ALTER TABLE book DROP COLUMN author;
        CREATE TRIGGER t AFTER INSERT ON author BEGIN
          DELETE FROM book; UPDATE author SET name = 'COMMIT;';
        END;
        PRAGMA user_version = 7;
        INSERT INTO author (name) VALUES ('new')"""
    _sqlite_script.execute(live, script, 10)
    assert sqlite.rows(live, "SELECT count(*) FROM book") == 0
    assert sqlite.rows(live, "PRAGMA user_version") == 7
    assert not live.with_name("app.db-wal").exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("DELETE FROM book; SELECT * FROM absent", "no such table: absent"),
        ("DELETE FROM book; INSERT INTO author VALUES (1, NULL)", "NOT NULL constraint failed"),
        ("DELETE FROM book; INSERT OR ROLLBACK INTO author VALUES (1, 'x')", "UNIQUE constraint failed"),
        ("DELETE FROM book; CREATE TABLE 'open", "unrecognized token"),
        ("DELETE FROM book; /**/ commit; DELETE FROM author", "COMMIT, which the script contains, is refused"),
        ("DELETE FROM book; END TRANSACTION", "COMMIT, which the script contains, is refused"),
        ("BEGIN; DELETE FROM book; COMMIT", "BEGIN, which the script contains, is refused"),
        ("DELETE FROM book; ROLLBACK", "ROLLBACK, which the script contains, is refused"),
        ("DELETE FROM book; ATTACH 'other.db' AS other", "ATTACH, which the script contains, is refused"),
        ("DELETE FROM author WHERE id = 5", "row 5 of book refers to nothing in author"),
    ],
)
def test_a_script_that_fails_or_ends_the_transaction_itself_leaves_everything_as_it_was(
    live: Path, script: str, told: str
) -> None:
    before = _everything(live)
    with pytest.raises(RollbackError, match=told):
        _sqlite_script.execute(live, script, 10)
    assert _everything(live) == before


def test_a_script_that_takes_too_long_is_ended(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sqlite_script, "_STEPS", 100)
    before = _everything(live)
    with pytest.raises(RollbackError, match="longer than 0 s"):
        _sqlite_script.execute(live, "DELETE FROM book; SELECT count(*) FROM author a, author b, author c", 0)
    assert _everything(live) == before


def test_a_lock_of_somebody_else_is_waited_for_and_its_holder_named(live: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(_sqlite_file, "PATIENCE", 0.05)
    with closing(sqlite3.connect(live, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RollbackError, match="stayed locked"):
            _sqlite_script.execute(live, "DELETE FROM book", 10)
