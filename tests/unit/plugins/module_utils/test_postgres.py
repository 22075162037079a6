# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _databases, _pg_names, _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database, Swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase


class Session:
    def __init__(self, comment: str | None) -> None:
        self.comment, self.ran = comment, []  # type: ignore[var-annotated]

    def value(self, _query: str, *_values: Any) -> Any:
        return self.comment

    def run(self, statement: str) -> None:
        self.ran.append(statement)


def _database(**changes: Any) -> PostgresDatabase:
    values = {key: spec.get("default") for key, spec in _databases.POSTGRES_SPEC.items()}
    return PostgresDatabase(
        _databases.parse_postgres({**values, "database": "shop", "host": "h", **changes}, "p"), None
    )


def _with(database: PostgresDatabase, session: Session, monkeypatch: pytest.MonkeyPatch) -> PostgresDatabase:
    @contextmanager
    def maintenance() -> Iterator[Session]:
        yield session

    monkeypatch.setattr(database.server, "maintenance", maintenance)
    return database


def test_it_is_what_capture_and_switch_ask_for() -> None:
    database: Database = _database(name="main")
    assert database.name == "main"


def test_a_database_cannot_be_renamed_from_inside() -> None:
    with pytest.raises(RollbackError, match="its own maintenance_database"):
        _database(database="postgres")


def test_databases_of_one_server_are_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _with(_database(), Session("7123"), monkeypatch).group == "postgres 7123"


def test_databases_of_different_servers_are_not_swapped_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = [_with(_database(), Session(number), monkeypatch) for number in ("1", "2")]
    with pytest.raises(RollbackError, match="different servers"):
        _postgres.swap([Swap(database=one, staged="s", run="r") for one in databases])


@pytest.mark.parametrize(
    ("staged", "of", "dropped"),
    [
        ("x", "shop", True),
        ("x", "other", False),
        ("x", None, False),
        ("shop", "shop", False),
        (_pg_names.prepared("shop", "p"), None, True),
        (_pg_names.prepared("other", "p"), None, False),
    ],
)
def test_only_what_a_run_made_or_put_aside_is_removed(
    monkeypatch: pytest.MonkeyPatch, staged: str, of: str | None, dropped: bool
) -> None:
    mark = _pg_names.Mark(role=_pg_names.DISPLACED, of=of, source="r", at="now").text() if of else "a person's"
    session = Session(mark)
    database = _with(_database(), session, monkeypatch)
    if dropped:
        database.discard(staged)
    else:
        with pytest.raises(RollbackError, match="was not made or put aside"):
            database.discard(staged)
    assert bool(session.ran) is dropped


def test_a_database_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    database = _with(_database(), Session(None), monkeypatch)
    for ask in (database.size, database.identity):
        with pytest.raises(RollbackError, match="there is no database shop"):
            ask()


@pytest.mark.parametrize(
    ("sqlstate", "told", "in_one"),
    [
        ("0A000", "EXECUTE of transaction commands is not implemented CONTEXT: PL/pgSQL function", True),
        ("42601", "syntax error at or near X LINE 1: X QUERY: X; the whole script CONTEXT: PL/pgSQL", False),
    ],
)
def test_a_script_that_fails_is_not_quoted_in_whole(
    monkeypatch: pytest.MonkeyPatch, sqlstate: str, told: str, in_one: bool
) -> None:
    class Script(Session):
        def run(self, statement: str, *values: Any) -> None:
            super().run(statement)
            if statement.startswith("DO"):
                raise RollbackError(f"PostgreSQL: {told}", sqlstate=sqlstate)

    session, database = Script(None), _database()
    monkeypatch.setattr(database.server, "enter", lambda _name: contextlib.nullcontext(session))
    with pytest.raises(RollbackError) as caught:
        database.execute("X; the whole script", 9)
    assert session.ran[0] == "RESET search_path"
    assert "script" not in caught.value.message
    assert "CONTEXT" not in caught.value.message
    assert ("one transaction" in caught.value.hint) is in_one


def test_a_module_without_a_stack_is_given_one_database() -> None:
    values = {name: spec.get("default") for name, spec in _databases.POSTGRES_SPEC.items()}
    database = _postgres.given({"postgres": {**values, "database": "shop", "host": "h"}})
    assert (database.name, database.server.engine) == ("shop", None)
