# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an SQLite file is sound and what was captured."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a sound file holds."""

    sha256: str
    tables: Mapping[str, int]
    schema: str


def examine(
    path: Path, query: str | None, summed: Callable[[], str], *, full: bool, sha256: str | None = None
) -> Content:
    """Check a settled file that was written or read just now, and make it durable.

    Each is a pass over the same pages of memory and needs nothing of the others, so they run side by side: SQLite, the
    sum and fsync let go of Python's lock meanwhile.

    :param query: the user's for the schema's version.
    :param summed: returns the file's SHA-256.
    :param full: see :func:`structure`.
    :param sha256: what it must be.
    :raises RollbackError: with what is wrong.
    """
    with ThreadPoolExecutor() as pool:
        synced = pool.submit(_files.sync, path)
        checked, looked = pool.submit(structure, path, full=full), pool.submit(_look, path, query)
        # First, since it says more than what SQLite makes of such bytes.
        found = summed()
        if sha256 not in (None, found):
            raise damaged(path)
        synced.result()
        checked.result()
        tables, schema = looked.result()
    return Content(sha256=found, tables=tables, schema=schema)


def verify(path: Path, part: DatabasePart, sha256: str, query: str | None, summed: Callable[[], str]) -> None:
    """Check in full that a settled file is what *part* says, as :func:`examine` does, and make it durable.

    :raises RollbackError: with what is wrong.
    """
    found = examine(path, query, summed, full=True, sha256=sha256)
    for what, is_now, wanted in (
        ("tables", dict(found.tables), dict(part.tables)),
        ("schema", found.schema, part.schema),
    ):
        if is_now != wanted:
            raise RollbackError(
                f"{path} is not what the restore point says: {what} {is_now}, expected {wanted}",
                "If schema_version was changed in the description since, change it back; else choose another.",
            )


def damaged(path: Path) -> RollbackError:
    """Return the error for a copy that is gone or was changed since it was made."""
    return RollbackError(
        f"{path} is damaged: missing, or not the bytes that were captured",
        "Choose another restore point or backup; the live database was left as it is.",
    )


def structure(path: Path, *, full: bool) -> None:
    """Check the structure of a settled file that was written or read just now.

    :param full: also that every index agrees with its table, which with large indexes takes several times as long.
    """
    check = "integrity_check" if full else "quick_check"
    with _mapped(path) as connection:
        wrong = [row[0] for row in connection.execute(f"PRAGMA {check}({_SHOWN})")]
    if wrong != ["ok"]:
        raise RollbackError(f"{path} is damaged: {'; '.join(wrong)}", "Choose another restore point or backup.")


def foreign_keys(connection: sqlite3.Connection, path: Path) -> None:
    """Check that every row refers to one that is there."""
    broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    if broken:
        shown = "; ".join(f"row {row} of {table} refers to nothing in {parent}" for table, row, parent, _key in broken)
        raise RollbackError(
            f"{path} violates its foreign keys: {shown}", "Repair the rows, or choose another restore point or backup."
        )


@contextmanager
def _mapped(path: Path) -> Iterator[sqlite3.Connection]:
    """Let SQLite look at a file's pages where they lie in memory, a quarter less work than to read them one by one.

    An error of the disk would end this process instead of being raised. That is why the file is to have been written
    or read just now; and nothing has been moved yet while one is examined.
    """
    with _sqlite_file.opened(path, settled=True) as connection:
        connection.execute(f"PRAGMA mmap_size = {path.stat().st_size}").fetchone()
        yield connection


def _look(path: Path, query: str | None) -> tuple[dict[str, int], str]:
    # A connection belongs to its thread.
    with _mapped(path) as connection:
        foreign_keys(connection, path)
        return _sqlite_file.counts(connection), _sqlite_file.schema(connection, query)
