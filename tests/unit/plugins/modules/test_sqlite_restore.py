# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import sqlite_backup, sqlite_restore
from ansible_collections.tiered.rollback.tests.support import sqlite
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule

Act = Callable[..., dict[str, Any]]


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return sqlite.make(tmp_path / "data.db")


@pytest.fixture
def act(live: Path, tmp_path: Path) -> Act:
    """Restore a database that was backed up with 100 authors; 10 came since."""
    common = {"path": str(live), "service": None, "project": None}
    sqlite_backup.act(FakeModule({"dest": str(tmp_path / "b"), **common}))
    sqlite.execute(live, *["INSERT INTO author (name) VALUES ('since')"] * 10)

    def call(*, check_mode: bool = False, src: Path = tmp_path / "b", compare: bool = True) -> dict[str, Any]:
        return sqlite_restore.act(FakeModule({"src": str(src), "compare": compare, **common}, check_mode))

    return call


def test_a_database_goes_back_once_and_the_present_one_is_kept(act: Act, live: Path) -> None:
    result = act()
    assert result["changed"]
    assert result["loss"] == [{"table": "author", "added": 10, "removed": 0, "changed": 0}]
    assert sqlite.rows(live) == 100
    assert sqlite.rows(Path(result["displaced"])) == 110
    again = act()
    assert (again["changed"], again["displaced"], again["loss"]) == (False, None, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_rows_are_compared_on_request_only(act: Act, live: Path) -> None:
    result = act(compare=False)
    assert (result["changed"], result["loss"]) == (True, None)
    assert result["diff"]["before"] != result["diff"]["after"]
    assert sqlite.rows(Path(result["displaced"])) == 110
    assert (act(compare=False)["changed"], sqlite.rows(live)) == (False, 100)


@pytest.mark.parametrize("compare", [True, False])
def test_check_mode_gives_the_same_answer_and_moves_nothing(
    act: Act, tmp_path: Path, tree: Callable[..., Any], compare: bool
) -> None:
    before = tree(tmp_path)
    foretold = act(check_mode=True, compare=compare)
    assert tree(tmp_path) == before
    assert {**foretold, "displaced": None} == {**act(compare=compare), "displaced": None}


def test_a_commit_that_is_only_in_the_log_makes_another_database(act: Act, live: Path) -> None:
    act()
    sqlite.crash(live, "wal")
    result = act()
    assert result["changed"]
    assert result["loss"] == [{"table": "author", "added": 1, "removed": 0, "changed": 0}]
    assert sqlite.rows(Path(result["displaced"])) == 101


def _remove(live: Path) -> None:
    live.unlink()


def _alter(live: Path) -> None:
    sqlite.execute(live, "DELETE FROM author WHERE id > 100", "PRAGMA user_version = 3")


@pytest.mark.parametrize(("spoil", "loss"), [(_remove, None), (sqlite.damage, None), (_alter, [])])
def test_a_database_that_is_gone_damaged_or_of_another_schema_is_replaced(
    act: Act, live: Path, spoil: Callable[[Path], None], loss: object
) -> None:
    spoil(live)
    result = act()
    assert (result["changed"], result["loss"]) == (True, loss)
    assert sqlite.rows(live) == 100
    assert not act()["changed"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_open_file_is_not_replaced(act: Act, live: Path, check_mode: bool) -> None:
    with sqlite.writing(live, 0.05), pytest.raises(RollbackError, match="is open in process"):
        act(check_mode=check_mode)
    assert sqlite.rows(live) > 100
    assert not list(live.parent.glob("*displaced*"))


def test_a_damaged_backup_or_none_replaces_nothing(act: Act, live: Path, tmp_path: Path) -> None:
    sqlite.damage(tmp_path / "b" / "database.sqlite")
    with pytest.raises(RollbackError, match="is damaged"):
        act()
    with pytest.raises(RollbackError, match="holds no copy of a database"):
        act(src=tmp_path / "none")
    assert sqlite.rows(live) == 110
