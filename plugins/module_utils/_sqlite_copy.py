# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A consistent copy of a live SQLite database, made beside its writers."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Progress
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Bytes a step copies in rollback-journal mode, for which a writer waits.
_STEP = 16 << 20
#: In rollback-journal mode: seconds a writer may be kept waiting, the pause that lets it in, and how often a copy
#: that a commit has overtaken is begun again.
_HELD = 0.5
_PAUSE = 0.01
_RESTARTS = 5
#: With a log: how often a moment is looked for at which all of it is in the file.
_ATTEMPTS = 3


class _OvertakenError(Exception):
    """A commit came between two steps, and SQLite began to copy again."""


def copy(live: Path, target: Path, progress: Progress) -> Callable[[], str]:
    """Copy a live database into a new file, whole; its bytes are not synced yet.

    With a write-ahead log writers do not notice, and it is copied as a file. (SQLite's own backup takes two to three
    times as long.) Without one a reader keeps them out, so the copy is made in steps with pauses; a commit between them
    begins it again, then in the largest step that keeps a writer waiting no longer than half a second.

    :returns: waits for the copy's SHA-256.
    :raises RollbackError: also when commits come too fast for that.
    """
    summed: Callable[[], str] = partial(_files.digest, target)
    # Closing any descriptor of a file lets go of SQLite's locks on it (POSIX), so the one that is copied from is closed
    # after the connection.
    with ExitStack() as afterwards, _sqlite_file.opened(live) as source:
        if _sqlite_file.pragma(source, "journal_mode") == "wal":
            whole = _hold(source, live)
            file = afterwards.enter_context(live.open("rb"))
            try:
                if whole:
                    summed = _sqlite_file.copy_and_sum(file, target, progress)
                else:
                    _copy_logged(file, target, progress)
            except OSError as error:
                raise RollbackError(f"cannot copy {live}: {error.strerror}", "Look at the disk.") from error
        else:
            _copy_in_steps(source, live, target, progress)
    _files.sync_directory(target.parent)
    return summed


def _hold(source: sqlite3.Connection, live: Path) -> bool:
    """Begin a read transaction, if possible one that needs nothing of the log.

    It needs nothing where a checkpoint that was made since finds no more to move. And from then on none moves what is
    committed later: not past the end of the log that a reader knows, and nothing at all where the reader looks at the
    file alone. So the file stays what that transaction sees.

    :returns: False where the log is needed: other readers are in the way, commits come too fast, or the file cannot
        be written to.
    """
    with _sqlite_file.opened(live) as other:
        for _attempt in range(_ATTEMPTS):
            if source.in_transaction:
                source.execute("ROLLBACK")
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            try:
                busy, pages, moved = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.OperationalError:
                return False
            if not busy and pages == moved:
                return True
    return False


def _copy_logged(live: BinaryIO, target: Path, progress: Progress) -> None:
    """Copy the file and then its log, as files, under a read transaction.

    The transaction keeps SQLite from starting the log anew, and from moving anything into the file that is not in the
    log still; so file and log together are a state that was committed.
    """
    _sqlite_file.copy(live, target, progress)
    log = Path(f"{live.name}-wal")
    if log.exists():
        # Nobody locks the log itself.
        with log.open("rb") as kept:
            _sqlite_file.copy(kept, Path(f"{target}-wal"), lambda *_: None)
    with closing(sqlite3.connect(target, isolation_level=None)) as copied:
        # A killed copy is made again; who checks it syncs it once.
        copied.execute("PRAGMA synchronous = OFF")
        copied.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _copy_in_steps(source: sqlite3.Connection, live: Path, target: Path, progress: Progress) -> None:
    size = _sqlite_file.pragma(source, "page_size")
    step = _STEP
    for _attempt in range(_RESTARTS + 1):
        began, copied = time.monotonic(), 0

        def told(status: int, remaining: int, total: int) -> None:
            nonlocal copied
            if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                # The connection has waited for the lock already; the loop around this would wait for ever.
                raise sqlite3.OperationalError("database is locked")
            done = (total - remaining) * size
            if remaining and done <= copied:
                raise _OvertakenError
            copied = done
            progress(done, total * size, "bytes")
            if remaining:
                time.sleep(_PAUSE)

        try:
            _copy(source, target, max(step // size, 1), told)
            return
        except _OvertakenError:
            step = max(_STEP, int(copied / (time.monotonic() - began) * _HELD))
    _too_busy(live)


def _copy(source: sqlite3.Connection, target: Path, pages: int, told: object) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _files.PRIVATE_FILE))
    with closing(sqlite3.connect(target, isolation_level=None)) as copied:
        # A killed copy is made again, so it needs no journal of its own, and one fsync at the end. The lock, which
        # nobody else asks for, is taken once instead of at every page that leaves the cache: that halves the time.
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = OFF", "synchronous = OFF"):
            copied.execute(f"PRAGMA {setting}").fetchone()
        source.backup(copied, pages=pages, progress=told, sleep=_PAUSE)  # type: ignore[arg-type]


def _too_busy(live: Path) -> NoReturn:
    raise RollbackError(
        f"{live} is written to faster than it can be copied without keeping its writers waiting",
        "Switch it to a write-ahead log (PRAGMA journal_mode = WAL), where a copy disturbs nobody, or capture while "
        "the application is stopped.",
    )
