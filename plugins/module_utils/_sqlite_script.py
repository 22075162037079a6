# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SQL script on a live SQLite database: all of it or nothing."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_check, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Instructions of SQLite's machine between two looks at the clock.
_STEPS = 100_000
_HINT = "Nothing was changed. Correct the script and run it again."


class _Guard:
    """What SQLite asks before each statement: the script may neither end our transaction nor open other files."""

    def __init__(self) -> None:
        self.begun = False
        self.refused = ""

    def __call__(self, action: int, first: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_TRANSACTION and first == "BEGIN" and not self.begun:
            self.begun = True
        elif action in (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_ATTACH):
            self.refused = str(first) if action == sqlite3.SQLITE_TRANSACTION else "ATTACH"
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


def execute(live: Path, script: str, timeout: int) -> None:
    """Run a script in one transaction, and see before the commit that every foreign key holds.

    :param timeout: seconds, then nothing of it is done.
    """
    guard, deadline = _Guard(), time.monotonic() + timeout
    with _sqlite_file.opened(live) as connection:
        connection.execute("PRAGMA query_only = OFF")
        connection.set_authorizer(guard)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            # In one call: executescript() commits a transaction that was begun before it.
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                # Who has opened the file names whose lock it is.
                raise
            what = f"{guard.refused}, which the script contains, is refused" if guard.refused else str(error)
            if str(error) == "interrupted":
                what = f"the script took longer than {timeout} s"
            only = " It is run in one transaction of its own." if guard.refused else ""
            raise RollbackError(f"SQLite: {what}", _HINT + only) from error
        # Its handler would stop the commit too, and its guard refuse it.
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        _sqlite_check.foreign_keys(connection, live)
        connection.execute("COMMIT")
