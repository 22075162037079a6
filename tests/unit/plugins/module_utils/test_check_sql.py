# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_sql
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase


def _values(**changes: Any) -> dict[str, Any]:
    return {"sql": "SELECT 1", "database": "small", "expect": None, "budget": None, "timeout": 5.0, **changes}


@pytest.mark.parametrize(
    ("value", "took", "changes", "expected"),
    [
        (1, 1, {}, ""),
        (None, 1, {}, "no value"),
        (7, 1, {"expect": 7}, ""),
        ("7", 1, {"expect": 7}, ""),
        (True, 1, {"expect": True}, ""),
        (7, 1, {"expect": 8}, "7"),
        (0, 1, {"expect": 8}, "0"),
        (1, 50, {"budget": 50}, "50 ms"),
        (1, 49, {"budget": 50}, ""),
    ],
)
def test_value_and_time_are_judged(value: Any, took: float, changes: dict[str, Any], expected: str) -> None:
    found = _check_sql.judge(value, took, _values(**changes))
    assert found.ok is not bool(expected)
    assert expected in found.found


@pytest.fixture
def subject(build: Any, tmp_path: Path) -> Any:
    path = tmp_path / "small.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (7)")
    connection.close()
    stack = build.stack(sqlite=[{"name": "small", "path": str(path)}])
    return SimpleNamespace(stack=stack, databases={"small": SqliteDatabase(stack.sqlite[0])})


def test_sqlite_is_asked_without_being_changed(subject: Any) -> None:
    assert _check_sql.look(_values(sql="SELECT a FROM t", expect=7, budget=1000), subject).ok
    with pytest.raises(RollbackError, match="readonly"):
        _check_sql.look(_values(sql="DELETE FROM t"), subject)
    assert _check_sql.look(_values(sql="SELECT a FROM t", expect=7), subject).ok


def test_a_query_that_never_ends_is_broken_off(subject: Any) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(RollbackError, match="interrupted"):
        _check_sql.look(_values(sql=endless, timeout=0.05), subject)


@pytest.mark.parametrize(("changes", "expected"), [({"database": "x"}, "Known: small"), ({"budget": 0}, "above 0")])
def test_what_cannot_be_is_refused(subject: Any, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(RollbackError) as caught:
        _check_sql.refuse(_values(**changes), "checks[0]", subject.stack)
    assert expected in str(caught.value)
