# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_check
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite


def test_what_a_file_holds_is_said_and_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sqlite.make(tmp_path / "app.db")
    synced: list[Any] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    found = _sqlite_check.examine(path, "SELECT 'v7'", lambda: "summed", full=True)
    assert (found.sha256, found.tables, found.schema) == ("summed", {"author": 100, "book": 100}, "v7")
    assert synced == [path.stat().st_ino]


def test_other_bytes_than_were_captured_are_refused_whatever_sqlite_says_of_them(tmp_path: Path) -> None:
    path = sqlite.make(tmp_path / "app.db")
    wanted = _files.digest(path)
    sqlite.execute(path, "DELETE FROM book")
    for spoil in (lambda: None, lambda: sqlite.damage(path, page=0)):
        spoil()
        with pytest.raises(RollbackError, match="not the bytes that were captured"):
            _sqlite_check.examine(path, None, lambda: _files.digest(path), full=True, sha256=wanted)


def test_an_index_that_disagrees_with_its_table_is_found_by_the_full_check_only(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    sqlite.execute(
        path,
        "CREATE TABLE t (a)",
        "CREATE INDEX i ON t (a)",
        "INSERT INTO t VALUES (1)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t (a COLLATE NOCASE) WHERE a > 5' WHERE name = 'i'",
    )
    _sqlite_check.structure(path, full=False)
    with pytest.raises(RollbackError, match="is damaged"):
        _sqlite_check.structure(path, full=True)
