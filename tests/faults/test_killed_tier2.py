# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 on a real PostgreSQL under a writer that never rests, killed at every step and at random moments.

Whoever is killed, the play with all it started or only the module on the target, and whatever comes next, the same
command or undo.yml: the database is wholly one or the other, and no acknowledged row is lost. Likewise where it is the
server that stops.

``TIERED_FAULTS_FULL=1`` runs every case, otherwise a sample that fits into CI.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.processes import kill_owner, kill_tree
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
FULL = os.environ.get("TIERED_FAULTS_FULL") == "1"
SEED = int(os.environ["TIERED_FAULTS_SEED"])
_HALF_MADE = re.compile(r"^/[0-9a-f]{12}_")


@dataclass(frozen=True)
class Case:
    """One injection.

    :param moment: a step that has begun, or a share of the time that an undisturbed run takes.
    :param victim: ``play`` (with all it started) or ``module`` (its process on the target only).
    :param then: ``again`` or ``undo``.
    """

    name: str
    moment: str | float
    victim: str
    then: str

    def __str__(self) -> str:
        return f"{self.name}-{self.victim}-{self.then}"


def cases() -> list[Case]:
    """Every case, or without FULL one per step, which of the four ways the seed decides, and four random moments."""
    ways = [(victim, then) for victim in ("play", "module") for then in ("again", "undo")]
    found = [
        Case(step, step, *way)
        for number, step in enumerate(STEPS)
        for turn, way in enumerate(ways)
        if FULL or (number + SEED) % len(ways) == turn
    ]
    chance = random.Random(SEED)
    moments = [
        Case(f"random{number}", chance.random(), ("play", "module")[number // 2 % 2], ("again", "undo")[number % 2])
        for number in range(20)
    ]
    return found + (moments if FULL else moments[:4])


class Arena:
    """One stack, put back between the cases."""

    def __init__(self, stack: Stack) -> None:
        self.tier2, self.stack = Tier2(stack), stack
        self.home = stack.state / stack.name
        self._pristine = stack.state.with_name("pristine")
        self.tier2.begin()
        self.old = self.tier2.orders()
        stack.capture(GOOD)
        shutil.copytree(self.home, self._pristine)
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
        shutil.rmtree(self.home)
        shutil.copytree(self._pristine, self.home)
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
        # Before the module has begun, and after it ended, there is only the play.
        if case.victim == "play" or not kill_owner(self.home / "lock"):
            kill_tree(process.pid)
        return process.communicate(timeout=60)[0]

    def wait_for(self, process: subprocess.Popen[str], step: str) -> None:
        with closing(self.tier2.connect("postgres")) as watching, watching.cursor() as cursor:
            watching.autocommit = True
            while not self.reached(step, cursor):
                assert process.poll() is None, f"the run ended before {step}: {process.communicate()[0]}"
                time.sleep(0.005)

    def reached(self, step: str, cursor: Any) -> bool:
        if step in _FOUND:
            cursor.execute(_FOUND[step])
            return bool(cursor.fetchone()[0])
        path = self.home / "journal.json"
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            return False
        return "outcome" in found["facts"] if step == "outcome" else step in [each["name"] for each in found["steps"]]

    def undoable(self) -> bool:
        """Whether a run has written down the state before, or ended."""
        path = self.home / "journal.json"
        return bool(self.stack.ledger() or (path.exists() and json.loads(path.read_text())["before"]))

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
        assert not (self.home / "journal.json").exists()
        assert not (self.home / "lock").read_text()
        self.stack.run("status.yml").ok()


@pytest.fixture(scope="module")
def _arena(make_stack: Callable[..., Stack]) -> Arena:
    return Arena(make_stack())


@pytest.fixture
def arena(_arena: Arena) -> Arena:
    _arena.put_back()
    return _arena


@pytest.mark.parametrize("case", cases(), ids=str)
def test_nothing_is_lost_when_a_run_is_killed(arena: Arena, case: Case) -> None:
    arena.kill(case)
    undoable = arena.undoable()
    if case.then == "again":
        arena.again().ok()
        arena.check(arena.old)
        displaced = arena.stack.ledger()[-1]["databases"]["shop"]["displaced"]
        assert displaced in arena.tier2.databases(), "the ledger does not know what was exchanged"
        return
    undone = arena.stack.undo()
    assert (undone.rc == 0) == undoable, undone.output
    assert undoable or "there is no rollback to undo" in undone.said
    arena.check(arena.new)


def test_what_a_killed_capture_left_half_restored_is_removed_by_the_clean_up(arena: Arena) -> None:
    process = arena.stack.start("restore-point.yml", version=BAD)
    arena.wait_for(process, MARKED)
    kill_tree(process.pid)
    process.communicate(timeout=60)
    (half,) = set(arena.tier2.databases()) - {"shop"}

    assert half in arena.stack.run("cleanup.yml", "--check", "--diff").ok().output
    assert half in arena.tier2.databases()
    arena.stack.run("cleanup.yml").ok()
    assert arena.tier2.databases() == ["shop"]
    assert arena.stack.run("cleanup.yml").ok().recap["changed"] == 0
    arena.check(arena.new)


def test_nothing_is_lost_when_the_server_stops_during_the_restore_aside(arena: Arena) -> None:
    process = arena.start()
    arena.wait_for(process, "restore shop aside")
    _kill_server(arena)
    _failed_clearly(process)

    arena.server_up()
    assert arena.tier2.orders() == arena.new
    arena.again().ok()
    arena.check(arena.old)


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


def _kill_server(arena: Arena) -> None:
    engine.docker("kill", f"{arena.stack.project}-db-1")


def _failed_clearly(process: subprocess.Popen[str]) -> None:
    said = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    assert "MODULE FAILURE" not in said
    # Whoever noticed first: a session, one that was just to begin, or a client tool.
    assert any(each in said for each in ("PostgreSQL: ", "cannot connect to database", "pg_restore failed"))
    assert "run the same command again" in said.lower()
