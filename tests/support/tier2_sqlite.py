# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack whose service keeps an SQLite database in a named volume, and a writer that never rests."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import BASE
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2 import Tier2, Written

DATABASE = "library.db"

#: Writes one row after the other, and notes each that was committed. Stopped, it leaves its log behind, since Python
#: ends at SIGTERM without closing anything.
_CLERK = """\
import os, sqlite3, time
rows = open("/acked/rows").read().split() if os.path.exists("/acked/rows") else []
n = int(rows[-1]) if rows else 0
connection = sqlite3.connect("/library/library.db", timeout=30, isolation_level=None)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("CREATE TABLE IF NOT EXISTS written (n INTEGER)")
with open("/acked/rows", "a") as acked:
    while True:
        n += 1
        connection.execute("INSERT INTO written VALUES (?)", (n,))
        print(n, file=acked, flush=True)
        time.sleep(0.05)
"""


class Tier2Sqlite(Written):
    """What is on top of an ordinary test stack; *stack* does the rest."""

    DATABASE = DATABASE

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "acked-sqlite")

    def describe(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Describe the database for the inventory; return the services and volumes of the Compose file."""
        stack = self.stack
        self.acked.mkdir()
        stack.write("clerk.py", _CLERK)
        labels = {"labels": {engine.LABEL: stack.project}}
        stack.description["sqlite"] = [{"path": f"/library/{DATABASE}", "service": "api"}]
        services = {
            "api": stack.published(volumes=["./data:/data:ro", "library:/library"]),
            "clerk": {
                "image": BASE,
                **labels,
                "command": ["python3", "/clerk.py"],
                "init": True,
                "volumes": ["./clerk.py:/clerk.py:ro", "./acked-sqlite:/acked", "library:/library"],
            },
        }
        return services, {"library": labels}

    def begin(self) -> None:
        """Deploy v0.9.0 with some data, and let the writer write."""
        services, volumes = self.describe()
        self.stack.compose(services, volumes=volumes)
        self.stack.deploy("v0.9.0")
        self.fill()

    def fill(self, rows: int = 400) -> None:
        """Put some data into what is up."""
        self.wait_written(20)
        self.sql("CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT NOT NULL)")
        self.sql(f"INSERT INTO orders (state) SELECT 'paid' FROM (SELECT 1 FROM written a, written b LIMIT {rows})")

    def migrate(self) -> None:
        """Deploy v1.0.0, whose migration ruins the data."""
        self.stack.deploy("v1.0.0")
        self.sql("ALTER TABLE orders ADD COLUMN discount INTEGER")
        self.sql("UPDATE orders SET state = 'lost' WHERE id <= 10")
        self.sql("DELETE FROM orders WHERE id > 390")
        self.wait_written(20)

    @property
    def live(self) -> Path:
        """The file as this host sees it."""
        (found,) = engine.inspect("volume", f"{self.stack.project}_library")
        return Path(found["Mountpoint"]) / DATABASE

    def sql(self, statement: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run a statement as an administrator does; what was put aside is only looked at."""
        settled = "mode=rw" if database == DATABASE else "mode=ro&immutable=1"
        uri = f"file:{self.live.with_name(database)}?{settled}"
        with closing(sqlite3.connect(uri, timeout=30, isolation_level=None, uri=True)) as connection:
            return connection.execute(statement).fetchall()

    def databases(self) -> list[str]:
        """Every database of this application: the live one and those beside it."""
        names = {path.name for path in self.live.parent.iterdir() if DATABASE in path.name}
        return sorted(name for name in names if not name.endswith(("-wal", "-shm", "-journal")))

    def rows(self, database: str = DATABASE) -> set[int]:
        """Every written row of one database."""
        return {row[0] for row in self.sql("SELECT n FROM written", database)}

    def kept_rows(self) -> set[int]:
        """Every written row of every database, live or put aside."""
        return {row for name in self.databases() for row in self.rows(name)}

    def orders(self, database: str = DATABASE) -> str:
        """A checksum of every row of the table that the migration ruins."""
        assert self.sql("PRAGMA integrity_check", database) == [("ok",)]
        rows = self.sql("SELECT * FROM orders ORDER BY id", database)
        return hashlib.sha256(repr(rows).encode()).hexdigest()


class Pair:
    """One stack with a database of both kinds."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.postgres, self.sqlite = stack, Tier2(stack), Tier2Sqlite(stack)
        services, volumes = self.postgres.describe()
        others, more = self.sqlite.describe()
        others["api"]["depends_on"] = services["api"]["depends_on"]
        stack.compose({**services, **others}, volumes={**volumes, **more})
        self.postgres.fill()
        self.sqlite.fill()

    def state(self) -> tuple[Any, ...]:
        """What a run that fails must leave as it is."""
        orders = self.postgres.orders(), self.sqlite.orders()
        live = self.sqlite.live.stat().st_ino, self.postgres.sql("SELECT oid FROM pg_database WHERE datname = 'shop'")
        return orders, live, self.stack.image_ids(), self.stack.healthy()

    def missing(self) -> set[int]:
        """Rows that were acknowledged and are nowhere."""
        return {row for each in (self.postgres, self.sqlite) for row in each.acknowledged() - each.kept_rows()}
