# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows two databases of one server differ in, counted by the server wherever it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.tiered.rollback.plugins.module_utils import _pg_catalog as catalog
from ansible_collections.tiered.rollback.plugins.module_utils._databases import TableLoss
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import identifier
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Session

_BUCKETS = 1 << 16
_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"

#: Two hashes that name a row or its key, then a value.
Entry = tuple[int, int, int]


def compare(live: Session, staged: Session) -> list[TableLoss]:
    """Compare all tables, each side as it is at one moment; tables without any difference are left out."""
    with live.transaction(_SNAPSHOT), staged.transaction(_SNAPSHOT):
        here, there = set(catalog.tables(live)), set(catalog.tables(staged))
        found = []
        for table in sorted(here | there):
            if table not in there:
                loss = TableLoss(table=table, added=catalog.rows(live, [table])[table], removed=0, changed=0)
            elif table not in here:
                loss = TableLoss(table=table, added=0, removed=catalog.rows(staged, [table])[table], changed=0)
            else:
                loss = _table(live, staged, table)
            if loss.added or loss.removed or loss.changed:
                found.append(loss)
        return found


def _table(live: Session, staged: Session, table: str) -> TableLoss:
    columns = [name for name in _columns(live, table) if name in set(_columns(staged, table))]
    key = _key(live, table)
    keyed = bool(key) and key == _key(staged, table)
    names = key if keyed else columns
    buckets = _differing(live, staged, table, names, columns)
    if not buckets:
        return TableLoss(table=table, added=0, removed=0, changed=0)
    query = _entries(table, names, columns, buckets, keyed)
    added, removed, changed = merge(live.stream(query), staged.stream(query), keyed)
    return TableLoss(table=table, added=added, removed=removed, changed=changed if keyed else None)


def merge(live: Iterator[Entry], staged: Iterator[Entry], keyed: bool) -> tuple[int, int, int]:
    """Count what was added, removed and changed from two streams in order of their hashes (pure).

    :param keyed: an entry is one row by its key, and its value a hash of the whole row; else an entry stands for
        equal rows, and its value is how many there are.
    """
    added = removed = changed = 0
    # Hashes have 64 bits: this is behind every one, so that neither side ever runs out first.
    end = (1 << 64, 0, 0)
    here, there = next(live, end), next(staged, end)
    while (here, there) != (end, end):
        if here[:2] < there[:2]:
            added += 1 if keyed else here[2]
            here = next(live, end)
        elif there[:2] < here[:2]:
            removed += 1 if keyed else there[2]
            there = next(staged, end)
        else:
            if keyed:
                changed += here[2] != there[2]
            else:
                added += max(0, here[2] - there[2])
                removed += max(0, there[2] - here[2])
            here, there = next(live, end), next(staged, end)
    return added, removed, changed


def _columns(session: Session, table: str) -> list[str]:
    return session.column(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attname",
        table,
    )


def _key(session: Session, table: str) -> list[str]:
    return session.column(
        "SELECT a.attname::text FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)"
        " JOIN pg_attribute a ON a.attnum = k.attnum WHERE i.indrelid = %s::regclass AND i.indisprimary"
        " AND a.attrelid = i.indrelid AND k.position <= i.indnkeyatts ORDER BY k.position",
        table,
    )


def _hash(columns: Sequence[str], seed: int = 0) -> str:
    # Only columns that both sides have: one that a migration added is no change of a row.
    return f"hashtextextended(ROW({', '.join(identifier(name) for name in columns)})::text, {seed})"


def _differing(live: Session, staged: Session, table: str, names: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Return the buckets whose rows are not the same on both sides; only these are fetched."""
    # A sum is the same in whatever order the rows lie, and one of bigint is numeric, which does not overflow.
    query = f"SELECT {_hash(names)} & {_BUCKETS - 1}, count(*), sum({_hash(columns, 1)}) FROM ONLY {table} GROUP BY 1"
    with ThreadPoolExecutor(2) as pool:
        here, there = (set(rows) for rows in pool.map(lambda session: session.rows(query), (live, staged)))
    return sorted({bucket for bucket, _count, _sum in here ^ there})


def _entries(table: str, names: Sequence[str], columns: Sequence[str], buckets: Sequence[int], keyed: bool) -> str:
    value = f"min({_hash(columns, 2)})" if keyed else "count(*)"
    return (
        f"SELECT {_hash(names)}, {_hash(names, 1)}, {value} FROM ONLY {table}"
        f" WHERE {_hash(names)} & {_BUCKETS - 1} IN ({', '.join(map(str, buckets))}) GROUP BY 1, 2 ORDER BY 1, 2"
    )
