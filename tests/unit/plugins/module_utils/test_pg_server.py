# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _databases, _pg_server
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Server, Session, terminate, usable_jobs

PASSWORD = "hunter2"


def describe(**changes: Any) -> _databases.Postgres:
    values = {key: spec.get("default") for key, spec in _databases.POSTGRES_SPEC.items()}
    return _databases.parse_postgres({**values, "database": "shop", "password": PASSWORD, **changes}, "postgres[0]")


class Engine:
    """Knows one container."""

    def __init__(self, **changes: Any) -> None:
        self.found = SimpleNamespace(running=True, addresses=("172.18.0.5",), id="c1", image_id="sha256:1", pid=7)
        self.found.__dict__.update(changes)

    def container(self, name: str) -> Any:
        return self.found if name == "shop_db" else None


class Connection:
    """Answers each query with the next of its answers."""

    server_version = 150004
    closed = False

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def cursor(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def execute(self, query: str, values: Any) -> None:
        self.asked.append((query, values))

    def fetchall(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def test_without_psycopg2_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pg_server, "MISSING", ImportError("no", name="psycopg2"))
    with pytest.raises(RollbackError, match="pip install psycopg2"):
        Server(describe(host="h"), None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"container": "shop_db"}, {"PGHOST": "172.18.0.5", "PGPORT": "5432", "PGUSER": "postgres"}),
        ({"container": "shop_db", "host": "h", "port": 1}, {"PGHOST": "h", "PGPORT": "1"}),
        ({"service_name": "s", "service_file": "/f"}, {"PGSERVICE": "s", "PGSERVICEFILE": "/f", "PGHOST": None}),
        ({"host": "h", "password": None, "passfile": "/p"}, {"PGPASSWORD": None, "PGPASSFILE": "/p"}),
        ({"host": "h"}, {"PGPASSWORD": PASSWORD, "PGAPPNAME": "tiered.rollback"}),
    ],
)
def test_client_tools_learn_where_and_as_whom_from_the_environment(
    changes: dict[str, Any], expected: dict[str, str | None]
) -> None:
    environment = Server(describe(**changes), Engine()).environment()  # type: ignore[arg-type]
    assert {name: environment.get(name) for name in expected} == expected


def test_a_database_with_an_equals_sign_is_no_connection_string() -> None:
    assert _pg_server.conninfo("host=evil'").startswith("dbname='host=evil\\'' ")


def test_sessions_and_tools_bear_the_same_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(psycopg2, "connect", lambda **options: seen.append(options) or Connection())
    Server(describe(host="h"), None).connect("shop")
    said = dict(word.split("=") for word in _pg_server.conninfo("shop").split() if not word.startswith("dbname="))
    assert said == {name: str(seen[0][name]) for name in said}
    assert int(said["tcp_user_timeout"]) == 30_000
    assert "-c tcp_keepalives_idle=10" in seen[0]["options"]
    assert "-c tcp_keepalives_idle=10" in Server(describe(host="h"), None).environment()["PGOPTIONS"]


@pytest.mark.parametrize(
    ("container", "expected"),
    [({"running": False}, "is not running"), ({"addresses": ()}, "no address of its own")],
)
def test_a_container_that_cannot_be_reached_is_named(container: dict[str, Any], expected: str) -> None:
    with pytest.raises(RollbackError, match=expected):
        Server(describe(container="shop_db"), Engine(**container)).environment()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("FATAL: password authentication failed for user", "Correct user and password"),
        ("fe_sendauth: no password supplied", "passfile"),
        ('FATAL: database "x" does not exist', "psql --list"),
        ("FATAL: sorry, too many clients already", "max_connections"),
        ("Connection refused", "Is the server up"),
        (f"strange {PASSWORD}", "Is the server up"),
    ],
)
def test_an_error_while_connecting_has_a_hint_and_no_password(
    monkeypatch: pytest.MonkeyPatch, said: str, hint: str
) -> None:
    def connect(**_: Any) -> None:
        raise psycopg2.OperationalError(said)

    monkeypatch.setattr(psycopg2, "connect", connect)
    with pytest.raises(RollbackError) as caught:
        Server(describe(host="h"), None).connect("shop")
    assert hint in caught.value.hint
    assert PASSWORD not in str(caught.value)


def test_the_service_file_is_in_the_environment_only_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def connect(**options: Any) -> Connection:
        seen.append((os.environ["PGSERVICEFILE"], options["service"], options.get("user")))
        return Connection()

    monkeypatch.delenv("PGSERVICEFILE", raising=False)
    monkeypatch.setattr(psycopg2, "connect", connect)
    Server(describe(service_name="s", service_file="/f"), None).connect("shop")
    assert seen == [("/f", "s", None)]
    assert "PGSERVICEFILE" not in os.environ


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Connection()
    old.server_version = 120003
    monkeypatch.setattr(psycopg2, "connect", lambda **_: old)
    with pytest.raises(RollbackError, match="PostgreSQL 12"):
        Server(describe(host="h"), None).connect("shop")
    assert old.closed


def test_a_query_that_fails_says_what_the_server_said_without_the_password() -> None:
    with pytest.raises(RollbackError, match=r"PostgreSQL: no \*\*\*"):
        Session(Connection(psycopg2.Error(f"no {PASSWORD}")), PASSWORD).rows("SELECT 1")


def test_a_session_that_was_lost_says_where_to_look() -> None:
    connection = Connection(psycopg2.OperationalError("server closed the connection unexpectedly"))
    connection.closed = True
    with pytest.raises(RollbackError) as caught:
        Session(connection, None).rows("SELECT 1")
    assert caught.value.hint == "Is the server up? See its log."


def test_a_transaction_ends_with_commit_or_rollback() -> None:
    connection = Connection()
    session = Session(connection, None)
    with session.transaction():
        pass
    with pytest.raises(ValueError, match="x"), session.transaction("READ ONLY"):
        raise ValueError("x")
    assert [query for query, _values in connection.asked] == ["BEGIN ", "COMMIT", "BEGIN READ ONLY", "ROLLBACK"]


def test_sessions_that_do_not_end_are_named() -> None:
    held = [(4, "app", "shop", True)]
    with pytest.raises(RollbackError, match=r"app shop \(pid 4\)"):
        terminate(Session(Connection(held, held), None), "shop", seconds=-1)
    terminate(Session(Connection(held, []), None), "shop")


@pytest.mark.parametrize(("free", "expected"), [(100, 4), (6, 4), (5, 3), (3, 1)])
def test_there_are_as_many_jobs_as_connections_allow(free: int, expected: int) -> None:
    assert usable_jobs(Session(Connection([(True,)], [(free,)]), None), 4) == expected


def test_without_free_connections_nothing_begins() -> None:
    with pytest.raises(RollbackError, match="only 2 connections"):
        usable_jobs(Session(Connection([(False,)], [(2,)]), None), 4)
