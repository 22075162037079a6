# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import sqlite_backup
from ansible_collections.tiered.rollback.tests.support import sqlite
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule

Act = Callable[..., dict[str, Any]]


@pytest.fixture
def act(tmp_path: Path) -> Act:
    """Back up a database of 100 authors."""
    live = sqlite.make(tmp_path / "app.db")

    def call(*, check_mode: bool = False, dest: str = "one") -> dict[str, Any]:
        options: dict[str, Any] = {
            "path": str(live),
            "service": None,
            "project": None,
            "dest": str(tmp_path / "backups" / dest),
        }
        return sqlite_backup.act(FakeModule(options, check_mode))

    return call


def test_a_database_is_copied_once(act: Act, tmp_path: Path) -> None:
    first = act()
    assert (first["changed"], first["tables"]) == (True, {"author": 100, "book": 100})
    assert sqlite.rows(tmp_path / "backups/one/database.sqlite") == 100
    second = act()
    assert (second["changed"], second["sha256"]) == (False, first["sha256"])
    assert second["diff"]["before"] == second["diff"]["after"] == first["diff"]["after"]


def test_check_mode_gives_the_same_answer_and_keeps_nothing(act: Act, tmp_path: Path, tree: Callable[..., Any]) -> None:
    before = tree(tmp_path)
    foretold = act(check_mode=True)
    assert tree(tmp_path) == before
    assert foretold == act()


def test_a_backup_is_never_overwritten(act: Act, tmp_path: Path, tree: Callable[..., Any]) -> None:
    act()
    sqlite.execute(tmp_path / "app.db", "DELETE FROM book")
    before = tree(tmp_path)
    with pytest.raises(RollbackError, match="holds something else already"):
        act()
    assert tree(tmp_path) == before
    assert act(dest="two")["tables"]["book"] == 0
