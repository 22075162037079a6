# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by a query on one of the stack's databases: its value, and how long it takes."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
    from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase

SPEC: dict[str, dict[str, Any]] = {
    "sql": {"type": "str", "required": True},
    "database": {"type": "str", "required": True},
    "expect": {"type": "raw"},
    "budget": {"type": "float"},
    "timeout": {"type": "float", "default": 10.0},
}
#: The first finds nothing in the server's memory; the median of three is not it.
_TIMES = 3
#: SQLite's own steps between two looks at the clock.
_STEPS = 10_000
#: libpq takes a service file from the environment only, which all threads share.
_CONNECTING = threading.Lock()


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse a database that the stack does not describe."""
    refuse_unknown(values["database"], where, stack.database_names)
    if values["budget"] is not None and values["budget"] <= 0:
        raise RollbackError(f"{where}.budget must be above 0", "It is in milliseconds.")


def refuse_unknown(name: str, where: str, known: Sequence[str]) -> None:
    """Refuse a name that is none of the stack's databases."""
    if name not in known:
        raise RollbackError(
            f"{where} is about database {name}, which rollback_stack does not describe",
            f"Known: {', '.join(known) or 'none'}.",
        )


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Ask in a transaction that can change nothing."""
    database = subject.databases[values["database"]]
    ask = _ask_sqlite if isinstance(getattr(database, "description", None), Sqlite) else _ask_postgres
    took, value = ask(database, values["sql"], values["timeout"])
    return judge(value, statistics.median(took), values)


def judge(value: Any, milliseconds: float, values: Mapping[str, Any]) -> Found:
    """Compare a query's value and time with what is wanted."""
    expect, budget = values["expect"], values["budget"]
    expected = ["a row" if expect is None else f"{expect!r:.80}"]
    wrong = []
    if value is None or (expect is not None and expect != value and str(expect) != str(value)):
        wrong.append("no value" if value is None else f"{value!r:.80}")
    if budget is not None:
        expected.append(f"below {budget:g} ms")
        if milliseconds >= budget:
            wrong.append(f"{milliseconds:.0f} ms")
    hint = "Run the query by hand, with EXPLAIN where it is slow; autovacuum may not have looked at the tables yet."
    return Found(
        ok=not wrong,
        expected=", ".join(expected),
        found="; ".join(wrong) or f"as wanted in {milliseconds:.1f} ms",
        hint=hint if wrong else "",
        figures={"p50": milliseconds},
    )


def _ask_postgres(database: Any, query: str, timeout: float) -> tuple[list[float], Any]:
    found = cast("PostgresDatabase", database)
    with _CONNECTING:
        session = found.server.connect(found.description.database)
    with session:
        session.run("SELECT set_config('statement_timeout', %s, false)", str(max(1, int(timeout * 1000))))
        # Whatever transactions a query of several statements begins are of that kind too.
        session.run("SET default_transaction_read_only = on")
        session.run("RESET search_path")
        with session.transaction("READ ONLY"):
            return _timed(lambda: session.value(query))


def _ask_sqlite(database: Any, query: str, timeout: float) -> tuple[list[float], Any]:
    deadline = time.monotonic() + timeout
    with _sqlite_file.opened(cast("SqliteDatabase", database).live) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)

        def ask() -> Any:
            row = connection.execute(query).fetchone()
            return row[0] if row else None

        return _timed(ask)


def _timed(ask: Callable[[], Any]) -> tuple[list[float], Any]:
    took, value = [], None
    for _unused in range(_TIMES):
        begun = time.monotonic()
        value = ask()
        took.append((time.monotonic() - begun) * 1000)
    return took, value


KIND = Kind(key="sql", spec=SPEC, look=look, refuse=refuse)
