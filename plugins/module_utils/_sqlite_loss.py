# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What going back would lose: two SQLite files compared row by row, neither changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_file, _sqlite_place
from ansible_collections.tiered.rollback.plugins.module_utils._databases import TableLoss
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite_file import quoted

_ROWID = ("rowid", "_rowid_", "oid")


def compare(live: Path, kept: Path) -> list[TableLoss]:
    """Return the tables in which a live file differs from one that nobody writes to."""
    # One that was too damaged to be settled when it was put aside has its log beside it.
    settled = not any(path.exists() for path in _sqlite_place.beside(kept))
    with _sqlite_file.opened(live) as connection:
        connection.execute("ATTACH ? AS kept", (_sqlite_file.uri(kept, settled=settled),))
        now, then = (set(_sqlite_file.tables(connection, schema)) for schema in ("main", "kept"))
        found = [_compare(connection, table, table in now, table in then) for table in sorted(now | then)]
    return [loss for loss in found if loss.added or loss.removed or loss.changed]


def _compare(connection: sqlite3.Connection, table: str, now: bool, then: bool) -> TableLoss:
    if not (now and then):
        rows = _value(connection, f"SELECT count(*) FROM {'main' if now else 'kept'}.{quoted(table)}")
        return TableLoss(table=table, added=rows * now, removed=rows * then, changed=0)
    columns = [name for name in _columns(connection, "main", table) if name in _columns(connection, "kept", table)]
    key = _key(connection, "main", table)
    if not key or key != _key(connection, "kept", table):
        return _by_rows(connection, table, columns)
    name = quoted(table)
    same = " AND ".join(f"n.{quoted(column)} IS k.{quoted(column)}" for column in key)
    # Without the collation that the column declares: 'a' and 'A' are a change.
    differ = " OR ".join(f"n.{quoted(c)} IS NOT k.{quoted(c)} COLLATE BINARY" for c in columns if c not in key)
    missing = "SELECT count(*) FROM {}.{} {} WHERE NOT EXISTS (SELECT 1 FROM {}.{} {} WHERE {})"
    return TableLoss(
        table=table,
        added=_value(connection, missing.format("main", name, "n", "kept", name, "k", same)),
        removed=_value(connection, missing.format("kept", name, "k", "main", name, "n", same)),
        changed=_value(connection, f"SELECT count(*) FROM main.{name} n JOIN kept.{name} k ON {same} WHERE {differ}")
        if differ
        else 0,
    )


def _by_rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> TableLoss:
    """Compare whole rows, as often as each is there."""
    named = ", ".join(f"{quoted(column)} AS c{number}" for number, column in enumerate(columns))
    each = ", ".join(f"c{number} COLLATE BINARY" for number in range(len(columns)))
    both = f"SELECT 1 AS one, {named} FROM main.{quoted(table)} UNION ALL SELECT -1, {named} FROM kept.{quoted(table)}"
    balance = f"SELECT sum(one) AS n FROM ({both}) GROUP BY {each}"
    added, removed = connection.execute(f"SELECT total(max(n, 0)), total(max(-n, 0)) FROM ({balance})").fetchone()
    return TableLoss(table=table, added=int(added), removed=int(removed), changed=None)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({quoted(table)})")]


def _key(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """Return what tells a row of a table: its primary key, else its row id by a name that no column hides."""
    rows = connection.execute(f"PRAGMA {schema}.table_info({quoted(table)})").fetchall()
    primary = [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5]]
    taken = {row[1].lower() for row in rows}
    return primary or [name for name in _ROWID if name not in taken][:1]


def _value(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
