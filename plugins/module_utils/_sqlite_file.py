# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SQLite file: opened so that the application is not disturbed, looked at, copied."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO
from urllib.parse import quote

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_place
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Progress
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Seconds to wait for an application's lock.
PATIENCE = 10.0
#: Bytes between two words of progress.
CHUNK = 64 << 20
#: Bytes summed at a time; they stay in the processor's cache.
_SUMMED = 128 << 10


def uri(path: Path, *, settled: bool) -> str:
    """Return the URI that opens a file without making it.

    :param settled: nobody writes to it and it is whole without a log: no locks, nothing written beside it. A live
        file on the other hand is opened for writing even to read: a read-only connection cannot tidy up on closing,
        and would leave a -wal and -shm where there were none.
    """
    return f"file:{quote(str(path))}?{'mode=ro&immutable=1' if settled else 'mode=rw'}"


@contextmanager
def opened(path: Path, *, settled: bool = False) -> Iterator[sqlite3.Connection]:
    """Connect in autocommit mode for reading; what SQLite says against it is raised as a :class:`RollbackError`."""
    with errors(path):
        if not settled:
            may_open(path)
        with closing(sqlite3.connect(uri(path, settled=settled), PATIENCE, isolation_level=None, uri=True)) as found:
            found.execute("PRAGMA query_only = ON")
            yield found


def may_open(path: Path) -> None:
    """Refuse what would make files that the application cannot open: SQLite gives them to the owner only as root."""
    try:
        stat = path.stat()
    except FileNotFoundError as error:
        raise RollbackError(f"there is no SQLite database {path}", "Correct the path, or restore it.") from error
    if stat.st_size == 0:
        return
    if os.geteuid() not in (0, stat.st_uid):
        raise RollbackError(
            f"{path} belongs to another user (uid {stat.st_uid})", "Run as root or as that user (become: true)."
        )


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that a person can act on."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            who = ", ".join(_sqlite_place.holders(path)) or "nobody known"
            raise RollbackError(
                f"{path} stayed locked for {PATIENCE:.0f} s by {who}",
                "A transaction is left open there, or the application locks the file for itself; end it.",
            ) from error
        raise RollbackError(
            f"SQLite cannot read {path}: {error}", "Look at the file, its folder and the disk."
        ) from error
    except sqlite3.DatabaseError as error:
        raise RollbackError(
            f"{path} is damaged: {error}", "Choose another restore point or backup; this file was left as it is."
        ) from error


def tables(connection: sqlite3.Connection, schema: str = "main") -> list[str]:
    """Names of the tables that hold rows themselves; a virtual table's are in its shadow tables."""
    rows = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name"
    )
    return [name for (name,) in rows]


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table."""
    return {
        name: connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0] for name in tables(connection)
    }


def pragma(connection: sqlite3.Connection, name: str) -> Any:
    """Return a pragma's one value."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def schema(connection: sqlite3.Connection, query: str | None) -> str:
    """Return what the user's query says the schema is, else a hash over its definition and ``user_version``."""
    if query is not None:
        row = connection.execute(query).fetchone()
        if row is None or row[0] is None:
            raise RollbackError(
                f"schema_version gave no value: {query}", "Correct the query; it is to return one value."
            )
        return str(row[0])
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 2"
    )
    return _files.sha256(_files.dump_json([pragma(connection, "user_version"), *map(list, rows)]))


def properties(path: Path) -> dict[str, Any]:
    """Return what a settled file says of itself."""
    with opened(path, settled=True) as connection:
        found = {name: pragma(connection, name) for name in ("page_size", "encoding", "user_version", "application_id")}
    # Byte 18 of the header is what lasts of the journal mode; the others are each connection's own choice.
    with path.open("rb") as file:
        found["journal_mode"] = "wal" if file.read(19)[18:] == b"\2" else "delete"
    return found


def copy(source: BinaryIO, target: Path, progress: Progress) -> None:
    """Copy an open file into a new one, by sharing blocks where the file system can; the room for it is taken first.

    Inside the kernel where they cannot be shared: a third of the time that reading and writing takes.
    """
    with target.open("xb") as new:
        os.fchmod(new.fileno(), _files.PRIVATE_FILE)
        size, done = os.fstat(source.fileno()).st_size, 0
        if size:
            os.posix_fallocate(new.fileno(), 0, size)
        while count := _move(source.fileno(), new.fileno()):
            done += count
            progress(done, max(done, size), "bytes")


def copy_and_sum(source: BinaryIO, target: Path, progress: Progress) -> Callable[[], str]:
    """Copy as :func:`copy` does, and sum beside it what is written: nothing else that is done with it takes as long.

    :returns: waits for the copy's SHA-256.
    """
    grown: SimpleQueue[int] = SimpleQueue()

    def told(done: int, total: int, unit: str) -> None:
        grown.put(done)
        progress(done, total, unit)

    pool = ThreadPoolExecutor(1)
    summed = pool.submit(_sum, target, grown)
    pool.shutdown(wait=False)
    try:
        copy(source, target, told)
    finally:
        grown.put(0)
    return summed.result


def _sum(path: Path, grown: SimpleQueue[int]) -> str:
    """Return the SHA-256 of a file that is being written: *grown* says how long it is by now, and 0 at its end."""
    found, buffer, at = hashlib.sha256(), memoryview(bytearray(_SUMMED)), 0
    # It is there from the first word on.
    done = grown.get()
    with path.open("rb", buffering=0) as file:
        while done:
            while at < done:
                count = file.readinto(buffer[: done - at])
                if not count:
                    raise OSError(errno.EIO, "shorter than what was written", str(path))
                found.update(buffer[:count])
                at += count
            done = grown.get()
    return found.hexdigest()


def _move(source: int, target: int) -> int:
    try:
        return os.copy_file_range(source, target, CHUNK)
    except OSError:
        # Not between these file systems; a real error comes again.
        return os.sendfile(target, source, None, CHUNK)
