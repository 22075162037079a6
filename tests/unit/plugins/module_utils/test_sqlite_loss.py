# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_loss
from ansible_collections.tiered.rollback.plugins.module_utils._databases import TableLoss
from ansible_collections.tiered.rollback.tests.support import sqlite

TABLES = {
    "id": "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE)",
    "text": "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)",
    "two columns": "CREATE TABLE t (id INTEGER, v TEXT, second DEFAULT 1, PRIMARY KEY (second, id))",
    "without rowid": "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID",
    "none": "CREATE TABLE t (id INTEGER, v TEXT)",
    "hidden row id": "CREATE TABLE t (id INTEGER, v TEXT, rowid DEFAULT 1)",
    "a name to quote": 'CREATE TABLE "t" (id INTEGER PRIMARY KEY, v TEXT, "odd "" name" DEFAULT 3)',
}
ROWS = "INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'd')"
SINCE = (
    "INSERT INTO t (id, v) VALUES (5, 'e'), (6, 'f')",
    "DELETE FROM t WHERE id = 4",
    "UPDATE t SET v = 'A' WHERE id = 1",
    "UPDATE t SET v = '' WHERE id = 3",
)


def _files(directory: Path, before: list[str], after: list[str]) -> tuple[Path, Path]:
    live, kept = directory / "app.db", directory / "kept"
    sqlite.execute(kept, *before)
    sqlite.execute(live, *after)
    return live, kept


@pytest.mark.parametrize("table", TABLES)
def test_rows_that_came_went_and_changed_are_counted(tmp_path: Path, table: str) -> None:
    made = [TABLES[table], ROWS]
    live, kept = _files(tmp_path, made, [*made, *SINCE])
    before = kept.read_bytes()
    assert _sqlite_loss.compare(live, kept) == [TableLoss(table="t", added=2, removed=1, changed=2)]
    assert kept.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"app.db", "kept"}


def test_without_a_key_whole_rows_are_compared_as_often_as_each_is_there(tmp_path: Path) -> None:
    table = "CREATE TABLE t (rowid, oid, _rowid_)"
    rows = "INSERT INTO t VALUES (1, 'a', 1), (1, 'a', 1), (2, NULL, 2)"
    live, kept = _files(
        tmp_path, [table, rows], [table, rows, "INSERT INTO t VALUES (1, 'a', 1)", "DELETE FROM t WHERE rowid = 2"]
    )
    assert _sqlite_loss.compare(live, kept) == [TableLoss(table="t", added=1, removed=1, changed=None)]


def test_tables_that_are_in_one_file_only_count_with_all_their_rows(tmp_path: Path) -> None:
    live, kept = _files(
        tmp_path,
        ["CREATE TABLE old (a)", "INSERT INTO old VALUES (1), (2)"],
        ["CREATE TABLE new (a)", "INSERT INTO new VALUES (1)"],
    )
    assert _sqlite_loss.compare(live, kept) == [
        TableLoss(table="new", added=1, removed=0, changed=0),
        TableLoss(table="old", added=0, removed=2, changed=0),
    ]


def test_another_key_compares_the_columns_that_both_have(tmp_path: Path) -> None:
    live, kept = _files(
        tmp_path,
        ["CREATE TABLE t (a PRIMARY KEY, c)", "INSERT INTO t VALUES (1, 'x')"],
        ["CREATE TABLE t (b PRIMARY KEY, c)", "INSERT INTO t VALUES (1, 'x'), (2, 'y')"],
    )
    assert _sqlite_loss.compare(live, kept) == [TableLoss(table="t", added=1, removed=0, changed=None)]


def test_what_is_only_in_the_live_files_log_counts(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    kept = sqlite.make(tmp_path / "kept", mode="delete")
    sqlite.crash(live, "wal")
    assert _sqlite_loss.compare(live, kept) == [TableLoss(table="author", added=1, removed=0, changed=0)]
