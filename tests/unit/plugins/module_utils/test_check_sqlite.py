# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "small.db"
    connection = sqlite3.connect(found)
    connection.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a)")
    connection.close()
    return found


def _look(path: Path) -> Any:
    subject: Any = SimpleNamespace(databases={"small": SimpleNamespace(live=path)})
    return _check_sqlite.look({"sqlite": "small", "full": True}, subject)


def test_a_sound_file_holds_and_a_row_without_its_parent_does_not(path: Path) -> None:
    assert _look(path).ok
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO b VALUES (5)")
    connection.close()
    found = _look(path)
    assert (found.ok, found.found) == (False, "foreign keys without a row: row 1 of b")


def test_a_damaged_file_does_not_hold(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:4196] = b"\xff" * 100
    path.write_bytes(data)
    with pytest.raises(RollbackError, match="damaged"):
        _look(path)


def test_only_databases_of_the_stack_are_known(build: Any) -> None:
    with pytest.raises(RollbackError, match="shop, which rollback_stack does not describe"):
        _check_sqlite.refuse({"sqlite": "shop"}, "checks[0]", build.stack())
