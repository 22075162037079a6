# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills of a stack with a PostgreSQL server among its services, described by container and published port, whose
database a writer never rests in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import drills
from ansible_collections.tiered.rollback.tests.support.stack import free_port
from ansible_collections.tiered.rollback.tests.support.tier2 import DATABASE, PASSWORD, Tier2

_TABLE = "public.orders"


@pytest.fixture(scope="module")
def database(make_stack: Any) -> Iterator[Tier2]:
    """The database of a stack that is captured as v0.9.0."""
    made = Tier2(make_stack())
    services, volumes = made.describe()
    port = free_port()
    services["db"]["ports"] = [f"127.0.0.1:{port}:5432"]
    made.stack.compose(services, volumes=volumes)
    made.fill()
    made.stack.description["postgres"][0] |= {"host": "localhost", "port": port}
    made.stack.capture("v0.9.0")
    yield made
    # Whatever failed.
    drills.remove(made.stack)


def _seen(database: Tier2) -> tuple[Any, ...]:
    """What nobody but its own writer may change of production."""
    seen = database.stack.snapshot()
    files = {path: entry for path, entry in seen.files.items() if not path.startswith("acked/")}
    server = database.sql("SELECT oid, datname FROM pg_database ORDER BY 1", "postgres")
    return seen.containers, files, seen.tags, server, database.orders()


def _rehearsed(database: Tier2, fault: str) -> dict[str, Any]:
    """Run a drill, see that it succeeded, nothing is left and production was not touched, and return its record."""
    before = _seen(database)
    outcome = database.stack.run("drill.yml", "-vv", fault=fault).ok()
    assert _seen(database) == before
    # The copy's writer has written to the copy alone, and no row of production's own is missing.
    assert database.acknowledged() <= database.rows()
    drills.assert_none_left(database.stack)
    record, text = database.stack.report()
    assert (record["drill"]["fault"], record["outcome"], record["error"]) == (fault, "succeeded", None)
    assert PASSWORD not in outcome.output + text + repr(record) + repr(database.stack.ledger())
    # It wrote on, so something differs; and of what was captured nothing does.
    (written,) = record["drill"]["data"][DATABASE]
    assert written["table"] == "public.written"
    assert written["added"] > 0
    assert written["removed"] == 0
    return record


def test_a_database_that_a_copy_could_only_reach_is_refused_before_anything_is_made(
    database: Tier2, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, before = database.stack, _seen(database)
    (server,) = stack.containers("db")
    (network,) = server["NetworkSettings"]["Networks"].values()
    elsewhere = {"database": DATABASE, "host": network["IPAddress"], "password": PASSWORD}
    monkeypatch.setitem(stack.description, "postgres", [elsewhere])
    outcome = stack.run("drill.yml", fault="database_stop")
    assert outcome.rc != 0
    assert f"PostgreSQL database {DATABASE} is at {network['IPAddress']}:5432" in outcome.said
    assert "a staging copy cannot have one of its own" in outcome.said
    assert _seen(database) == before
    drills.assert_none_left(stack)


def test_a_table_that_a_migration_dropped_is_there_again_with_every_row(database: Tier2) -> None:
    record = _rehearsed(database, "bad_migration")
    assert record["tier"] == 2
    assert "swap_database" in [step["action"] for step in record["plan"]["steps"]]
    # What was brought back had been missing.
    assert {"table": _TABLE, "added": 0, "removed": 500, "changed": 0} in record["loss"][DATABASE]


def test_a_server_that_was_stopped_is_brought_back_by_tier_1(database: Tier2) -> None:
    record = _rehearsed(database, "database_stop")
    assert (record["tier"], record["drill"]["service"]) == (1, "db")
    assert "db is not running" in record["drill"]["noticed"]
    assert ("stop_first", "db") in [(step["action"], step["subject"]) for step in record["plan"]["steps"]]
    assert record["drill"]["schema_compatible"] is True
