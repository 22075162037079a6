# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack with a PostgreSQL database, an application that depends on it, and a writer that never rests."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg2
import pytest
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import BASE
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_CONTEXT = Path(__file__).resolve().parents[2] / "examples/demo/images/db"
PASSWORD = "hunter2 of tier 2"
DATABASE = "shop"

#: Writes one row after the other, and notes each that the server has acknowledged.
_WRITER = """\
#!/usr/bin/env bash
n=$(tail -n 1 /acked/rows 2>/dev/null || echo 0)
while true; do
  n=$((n + 1))
  if psql -qX -c "INSERT INTO written VALUES ($n)" >/dev/null 2>&1; then echo "$n" >>/acked/rows; fi
  sleep 0.1
done
"""


class Written(ABC):
    """A database of a stack that a writer never rests in; it notes every row that was acknowledged to it.

    :param acked: directory below the project that the writer notes them in.
    """

    def __init__(self, stack: Stack, acked: str) -> None:
        self.stack = stack
        self.acked = stack.src / acked

    def acknowledged(self) -> set[int]:
        """Every row whose insert was acknowledged to the writer."""
        path = self.acked / "rows"
        return {int(line) for line in path.read_text().splitlines()} if path.exists() else set()

    def wait_written(self, more: int) -> None:
        """Wait until the writer has written some more rows."""
        goal, deadline = len(self.acknowledged()) + more, time.monotonic() + 60
        while len(self.acknowledged()) < goal:
            assert time.monotonic() < deadline, "the writer cannot write"
            time.sleep(0.05)

    @abstractmethod
    def databases(self) -> list[str]:
        """Every database of this application: the live one and those beside it."""

    @abstractmethod
    def rows(self) -> set[int]:
        """Every written row of the live database."""

    @abstractmethod
    def kept_rows(self) -> set[int]:
        """Every written row of every database, live or put aside."""

    @abstractmethod
    def orders(self) -> str:
        """A checksum of every row of the table that the migration ruins."""


Database = TypeVar("Database", bound=Written)


class Story(Generic[Database]):
    """One life of a stack, told once for all tests of a file; in no chapter an acknowledged row may be lost."""

    def __init__(self, made: Database) -> None:
        self.tier2, self.stack = made, made.stack
        self.outcomes: dict[str, Outcome] = {}
        self.orders: dict[str, str] = {}
        self.images: dict[str, dict[str, str]] = {}
        self.databases: dict[str, list[str]] = {}
        self.rows: dict[str, set[int]] = {}

    def note(self, name: str, outcome: Outcome | None = None) -> None:
        """Note what is there now."""
        if outcome is not None:
            self.outcomes[name] = outcome
        self.orders[name] = self.tier2.orders()
        self.images[name] = self.stack.image_ids()
        self.databases[name] = self.tier2.databases()
        self.rows[name] = self.tier2.rows()
        missing = self.tier2.acknowledged() - self.tier2.kept_rows()
        assert not missing, f"rows lost after {name!r}: {sorted(missing)[:5]}"


class Tier2(Written):
    """What is on top of an ordinary test stack; *stack* does the rest."""

    DATABASE = DATABASE

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, "acked")

    def describe(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Describe the database for the inventory; return the services and volumes of the Compose file."""
        stack = self.stack
        self.acked.mkdir()
        stack.write("writer", _WRITER, mode=0o755)
        labels = {"labels": {engine.LABEL: stack.project}}
        depends = {"db": {"condition": "service_healthy"}}
        image = f"{stack.project}/db:15"
        engine.docker(
            "build", "-q", "--network", "none", "--build-arg", f"BASE={BASE}", "-t", image, str(_CONTEXT)
        )  # fmt: skip
        server = {"POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": DATABASE}
        client = {"PGHOST": "db", "PGUSER": "postgres", "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE}
        stack.description["postgres"] = [
            {"database": DATABASE, "container": f"{stack.project}-db-1", "password": PASSWORD}
        ]
        services = {
            "db": {
                "image": image,
                **labels,
                "environment": server,
                "volumes": ["pgdata:/var/lib/postgresql"],
                "healthcheck": {
                    "test": ["CMD", "psql", "-qXtc", "SELECT 1", "-U", "postgres", DATABASE],
                    "interval": "5s",
                    "retries": 12,
                    "start_period": "60s",
                    "start_interval": "250ms",
                },
            },
            "api": stack.published(depends_on=depends),
            "writer": {
                "image": image,
                **labels,
                "command": ["/writer"],
                "user": "0",
                "init": True,
                # The image's own is the server's, SIGINT, which a shell ignores while a command runs.
                "stop_signal": "SIGTERM",
                "environment": client,
                "volumes": ["./writer:/writer:ro", "./acked:/acked"],
                "depends_on": depends,
            },
        }
        return services, {"pgdata": labels}

    def connect(self, database: str) -> Any:
        """Connect as an administrator does."""
        (container,) = self.stack.containers("db")
        (network,) = container["NetworkSettings"]["Networks"].values()
        return psycopg2.connect(
            host=network["IPAddress"], user="postgres", password=PASSWORD, dbname=database, connect_timeout=10
        )

    def sql(self, statement: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run a statement as an administrator does."""
        connection = self.connect(database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def begin(self, rows: int = 500) -> None:
        """Deploy v0.9.0 with some data, and let the writer write."""
        services, volumes = self.describe()
        self.stack.compose(services, volumes=volumes)
        self.fill(rows)

    def fill(self, rows: int = 500) -> None:
        """Bring v0.9.0 of what is described up, with some data."""
        self.stack.tag("api:production", "v0.9.0")
        self.stack.up("db")
        self.sql("CREATE TABLE written (n int)")
        self.sql("CREATE TABLE orders (id serial PRIMARY KEY, state text NOT NULL)")
        self.sql(f"INSERT INTO orders (state) SELECT 'paid' FROM generate_series(1, {rows})")
        self.stack.up()
        self.wait_written(20)

    def migrate(self) -> None:
        """Deploy v1.0.0, whose migration ruins the data."""
        self.stack.deploy("v1.0.0")
        self.ruin()
        self.wait_written(20)

    def ruin(self) -> None:
        """What the migration does to the data; alike each time that it begins with the same."""
        self.sql("ALTER TABLE orders ADD COLUMN discount int; UPDATE orders SET state = 'lost' WHERE id <= 10")
        self.sql("DELETE FROM orders WHERE id > 490; INSERT INTO orders (state) VALUES ('new')")

    def migrate_half(self) -> None:
        """Deploy v1.0.0, whose migration fails in the middle: it commits every statement by itself, and the last fails.

        What it leaves is no version's schema, so v1.0.0 does not work.
        """
        self.stack.deploy("v1.0.0")
        self.sql("ALTER TABLE orders RENAME COLUMN state TO status")
        self.sql("UPDATE orders SET status = upper(status) WHERE id % 2 = 0")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            self.sql("CREATE UNIQUE INDEX one_status ON orders (status)")
        self.stack.trouble("v1.0.0", "broken")
        self.wait_written(20)

    def databases(self) -> list[str]:
        """Every database of this application: the live one and those beside it."""
        return [row[0] for row in self.sql("SELECT datname FROM pg_database WHERE datname LIKE 'shop%'", "postgres")]

    def rows(self, database: str = DATABASE) -> set[int]:
        """Every written row of one database."""
        return {row[0] for row in self._inside(database, "SELECT n FROM written")}

    def kept_rows(self) -> set[int]:
        """Every written row of every database, live or put aside; what is only prepared keeps nothing."""
        return {row for name in self.databases() if "_prepared_" not in name for row in self.rows(name)}

    def orders(self, database: str = DATABASE) -> str:
        """A checksum of every row of the table that the migration ruins."""
        ((found,),) = self._inside(database, "SELECT md5(string_agg(o::text, '|' ORDER BY id)) FROM orders o")
        return str(found)

    def _inside(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Look into a database, also one that nobody is let into."""
        ((was_open,),) = self.sql(f"SELECT datallowconn FROM pg_database WHERE datname = '{database}'", "postgres")
        self.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true', "postgres")
        found = self.sql(query, database)
        self.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS {was_open}', "postgres")
        return found
