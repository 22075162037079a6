# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 on a real PostgreSQL under a writer that never rests, killed at every step and at random moments.

Whoever is killed, the play with all it started or only the module on the target, and whatever comes next, the same
command or undo.yml: the database is wholly one or the other, and no acknowledged row is lost. Likewise where it is the
server that stops, or where no packet reaches it any more.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import arena as arenas
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.arena import THEN
from ansible_collections.tiered.rollback.tests.support.cable import unreachable
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2 import Tier2

GOOD, BAD = "v0.9.0", "v1.0.0"
COMMAND = "tier2-standard.yml"
#: Not steps but what is found in the middle of one: a database beside the live one, and nobody let in.
HALF_RESTORED, MARKED, CLOSED = "half restored", "marked", "closed"
_FOUND = {
    HALF_RESTORED: r"SELECT EXISTS (SELECT FROM pg_database WHERE datname LIKE 'shop\_prepared\_%')",
    MARKED: "SELECT count(*) FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE '%\"preparing\"%'",
    CLOSED: "SELECT NOT datallowconn FROM pg_database WHERE datname = 'shop'",
}
STEPS = [
    "preflight",
    "copy shop",
    "restore shop aside",
    HALF_RESTORED,
    "compare",
    "configuration",
    "images",
    "stop writers",
    "exchange",
    CLOSED,
    "containers",
    "checks",
    "outcome",
]
_HALF_MADE = re.compile(r"^/[0-9a-f]{12}_")


@dataclass(frozen=True)
class Case:
    """One injection.

    :param moment: a step that has begun, or a share of the time that an undisturbed run takes.
    :param then: ``again`` or ``undo``.
    """

    name: str
    moment: str | float
    victim: str
    then: str

    def __str__(self) -> str:
        return f"{self.name}-{self.victim}-{self.then}"


def cases() -> list[Case]:
    """Each step in every way, and random moments."""
    ways = [(victim, then) for victim in ("play", "owner") for then in THEN]
    moments: list[tuple[str, str | float]] = [(step, step) for step in STEPS]
    chance = arenas.chance("moments of Tier 2")
    found = [Case(name, moment, *way) for name, moment in moments for way in ways]
    found += [Case(f"random{number}", chance.random(), *ways[number % 4]) for number in range(20)]
    return arenas.sample("Tier 2", found, 3, lambda case: [case.victim, case.then, type(case.moment).__name__])


class Arena(arenas.Arena):
    """One stack, put back between the cases."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.tier2 = Tier2(stack)
        self.tier2.begin()
        self.old = self.tier2.orders()
        stack.capture(GOOD)
        self.keep_state()
        self.tier2.migrate()
        self.new = self.tier2.orders()
        #: What an undisturbed run takes.
        self.seconds = stack.run(COMMAND, version=GOOD).ok().seconds

    def put_back(self) -> None:
        """Deploy BAD with its data; forget what earlier cases put aside and recorded."""
        self.server_up()
        self.tier2.sql("ALTER DATABASE shop ALLOW_CONNECTIONS true", "postgres")
        for name in set(self.tier2.databases()) - {"shop"}:
            self.tier2.sql(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres")
        if self.tier2.orders() == self.old:
            self.tier2.ruin()
        assert self.tier2.orders() == self.new
        self.forget()
        self.stack.deploy(BAD)
        # What the dropped databases held is nobody's concern any more.
        self.known = self.tier2.acknowledged()
        self.kept = self.tier2.kept_rows()
        self.tier2.wait_written(3)

    def server_up(self) -> None:
        """Start the server, as its administrator does."""
        self.stack.up("db")

    def start(self) -> subprocess.Popen[str]:
        return self.stack.start(COMMAND, version=GOOD)

    def again(self) -> Outcome:
        return self.stack.run(COMMAND, version=GOOD)

    def kill(self, case: Case) -> str:
        """Start a run and kill it; return what it printed until then."""
        process = self.start()
        if isinstance(case.moment, str):
            self.wait_for(process, case.moment)
        else:
            time.sleep(case.moment * self.seconds)
        return self.strike(process, case.victim)

    def wait_for(self, process: subprocess.Popen[str], step: str) -> None:
        with closing(self.tier2.connect("postgres")) as watching, watching.cursor() as cursor:
            watching.autocommit = True
            while not self.found(step, cursor):
                assert process.poll() is None, f"the run ended before {step}: {process.communicate()[0]}"
                time.sleep(0.005)

    def found(self, step: str, cursor: Any) -> bool:
        if step in _FOUND:
            cursor.execute(_FOUND[step])
            return bool(cursor.fetchone()[0])
        return self.reached(step)

    def check(self, wanted: str) -> None:
        """Everything that must hold once the stack was taken somewhere."""
        acknowledged = self.tier2.acknowledged() - self.known | self.kept
        lost = acknowledged - self.tier2.kept_rows()
        assert not lost, f"{len(lost)} acknowledged rows are lost: {sorted(lost)[:5]}"
        assert self.tier2.orders() == wanted, "the database is not the one that was asked for"
        said = self.tier2.sql("SELECT shobj_description(oid, 'pg_database') FROM pg_database", "postgres")
        assert not [comment for (comment,) in said if comment and '"preparing"' in comment], "a half-made database"
        self.tier2.wait_written(3)
        names = [container["Name"] for container in self.stack.containers()]
        assert not [name for name in names if _HALF_MADE.match(name)], names
        assert {name: len(ids) for name, ids in self.stack.ids().items()} == {"api": 1, "db": 1, "writer": 1}
        assert self.stack.healthy()
        assert self.stack.image_ids()["api"] == self.stack.images.get(GOOD if wanted == self.old else BAD)
        assert self.at_rest()
        self.stack.run("status.yml").ok()


@pytest.fixture(scope="module")
def _arena(make_stack: Callable[..., Stack]) -> Arena:
    return Arena(make_stack())


@pytest.fixture
def arena(_arena: Arena) -> Arena:
    _arena.put_back()
    return _arena


@pytest.mark.fault("tier2-standard", "kill")
@pytest.mark.parametrize("case", cases(), ids=str)
def test_nothing_is_lost_when_a_run_is_killed(arena: Arena, case: Case) -> None:
    arena.kill(case)
    arena.go_on(case.then, arena.again)
    if case.then == "again":
        arena.check(arena.old)
        displaced = arena.stack.ledger()[-1]["databases"]["shop"]["displaced"]
        assert displaced in arena.tier2.databases(), "the ledger does not know what was exchanged"
    else:
        arena.check(arena.new)


@pytest.mark.fault("restore-point", "kill")
def test_what_a_killed_capture_left_half_restored_is_removed_by_the_clean_up(arena: Arena) -> None:
    process = arena.stack.start("restore-point.yml", version=BAD)
    arena.wait_for(process, MARKED)
    arena.strike(process, "play")
    (half,) = set(arena.tier2.databases()) - {"shop"}

    assert half in arena.stack.run("cleanup.yml", "--check", "--diff").ok().output
    assert half in arena.tier2.databases()
    arena.stack.run("cleanup.yml").ok()
    assert arena.tier2.databases() == ["shop"]
    assert arena.stack.run("cleanup.yml").ok().recap["changed"] == 0
    arena.check(arena.new)


@pytest.mark.fault("tier2-standard", "database")
def test_nothing_is_lost_when_the_server_stops_during_the_restore_aside(arena: Arena) -> None:
    process = arena.start()
    arena.wait_for(process, "restore shop aside")
    _kill_server(arena)
    _failed_clearly(process)

    arena.server_up()
    assert arena.tier2.orders() == arena.new
    arena.again().ok()
    arena.check(arena.old)


@pytest.mark.fault("tier2-standard", "database")
def test_nothing_is_lost_when_the_server_stops_during_the_exchange(arena: Arena) -> None:
    process = arena.start()
    arena.wait_for(process, "stop writers")
    # Holds the exchange up, which is over in no time otherwise.
    with closing(arena.tier2.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE pg_database IN SHARE MODE")
        arena.wait_for(process, "exchange")
        _kill_server(arena)
    _failed_clearly(process)

    arena.server_up()
    arena.again().ok()
    arena.check(arena.old)


@pytest.mark.fault("tier2-standard", "database")
@pytest.mark.parametrize("step", arenas.sample("network", ["restore shop aside", "stop writers"], 1, lambda _step: []))
def test_nothing_is_lost_when_the_network_to_the_server_is_cut(arena: Arena, step: str) -> None:
    process = arena.start()
    arena.wait_for(process, step)
    with unreachable(f"{arena.stack.project}-db-1"):
        _failed_clearly(process)

    assert arena.tier2.orders() == arena.new
    arena.again().ok()
    arena.check(arena.old)


def _kill_server(arena: Arena) -> None:
    engine.docker("kill", f"{arena.stack.project}-db-1")


def _failed_clearly(process: subprocess.Popen[str]) -> None:
    said = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    assert "MODULE FAILURE" not in said
    # Whoever noticed first: a session, one that was just to begin, or a client tool.
    assert any(each in said for each in ("PostgreSQL: ", "cannot connect to database", "pg_restore failed"))
    assert "run the same command again" in said.lower()
