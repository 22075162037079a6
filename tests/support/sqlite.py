# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite databases as an application has them: filled, damaged, and written to by a process of its own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._databases import Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase

SCHEMA = """
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, author INTEGER REFERENCES author (id));
CREATE INDEX book_title ON book (title);
"""
#: Each transaction adds one row to both tables, so that a copy of any one moment has as many of one as of the other.
_WRITER = """
import json, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
pause, waits, count = float(sys.argv[2]), [], 0
print("ready", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    began = time.monotonic()
    connection.execute("BEGIN IMMEDIATE")
    key = connection.execute("INSERT INTO author (name) VALUES ('written')").lastrowid
    connection.execute("INSERT INTO book (title, author) VALUES ('written', ?)", (key,))
    connection.execute("COMMIT")
    waits.append(time.monotonic() - began)
    print(json.dumps(max(waits)), flush=True) if pause else None
    time.sleep(pause)
"""
#: Leaves what a crashed application leaves: argv says which mode and how it is left.
_CRASH = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
if sys.argv[2] == "wal":
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("INSERT INTO author (name) VALUES ('only in the log')")
else:
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.execute("UPDATE author SET name = 'never committed'")
    connection.execute("UPDATE book SET title = 'never committed' || hex(randomblob(2000))")
os.kill(os.getpid(), 9)
"""


def make(path: Path, *, mode: str = "wal", rows: int = 100, padding: int = 0) -> Path:
    """Make a database with as many authors as books."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript(SCHEMA)
        with connection:
            connection.executemany("INSERT INTO author VALUES (?, ?)", ((n, f"author {n}") for n in range(1, rows + 1)))
            connection.executemany(
                "INSERT INTO book VALUES (?, ?, ?)", ((n, f"book {n}" + "x" * padding, n) for n in range(1, rows + 1))
            )
    return path


def rows(path: Path, query: str = "SELECT count(*) FROM author") -> Any:
    """Return the one value of a query, as the application would see it."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        return connection.execute(query).fetchone()[0]


def execute(path: Path, *statements: str) -> None:
    """Change a database and close it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def damage(path: Path, page: int = 1, size: int = 4096) -> None:
    """Overwrite a page, counted from 0, with what is no page."""
    with path.open("r+b") as file:
        file.seek(page * size)
        file.write(b"\xff" * size)


def crash(path: Path, mode: str) -> None:
    """Let an application die with a commit that is only in its log, or in the middle of a transaction."""
    subprocess.run([sys.executable, "-c", _CRASH, str(path), mode], check=False)


def database(path: Path, **values: Any) -> SqliteDatabase:
    """Describe a database by its path on this host."""
    return SqliteDatabase(
        Sqlite(
            **{"name": "library", "path": str(path), "service": None, "schema_version": None, "writers": None, **values}
        )
    )


def quiet(_done: int, _total: int, _unit: str) -> None:
    """Take progress and say nothing."""


@contextmanager
def writing(path: Path, pause: float = 0.005) -> Iterator[list[float]]:
    """Let another process write meanwhile; afterwards the list holds the longest that one transaction took."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(pause)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    longest: list[float] = []
    try:
        yield longest
    finally:
        process.kill()
        lines = process.communicate()[0].splitlines()
        longest += [json.loads(line) for line in lines[-2:] if line.count(".") == 1][:1]
