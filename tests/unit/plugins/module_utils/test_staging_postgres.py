# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _staging_postgres
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

NAME = "drill-shop-20261120t100000z-000001"
PLAN = {"name": NAME}


class Session:
    def __init__(self, done: list[Any], there: bool) -> None:
        self.done, self.there = done, there

    def rows(self, _query: str, _name: str) -> list[Any]:
        return [()] if self.there else []

    def run(self, statement: str) -> None:
        self.done.append(statement)


class Server:
    """A server; *refusing* is how often it lets nobody in."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def container(self) -> Any:
        return self.world.container

    @contextmanager
    def maintenance(self) -> Iterator[Session]:
        if self.world.refusing:
            self.world.refusing -= 1
            raise RollbackError("the database system is starting up")
        yield Session(self.world.done, self.world.there)


class Database:
    def __init__(self, world: Any, description: Any) -> None:
        self.world, self.description = world, description
        self.name, self.server = description.name, Server(world)

    def stage(self, directory: Any, part: Any, point: str, _progress: Any) -> str:
        if self.world.failing:
            raise RollbackError(self.world.failing)
        self.world.done.append(("stage", directory, part, point))
        return "staged"

    def gather_statistics(self, staged: str) -> None:
        self.world.done.append(("gather_statistics", staged))

    def displaced(self) -> list[Any]:
        return [SimpleNamespace(name="displaced")]

    def discard(self, name: str) -> None:
        self.world.done.append(("discard", name))


@pytest.fixture
def world(build: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A staging copy with one server, and what is done to that."""
    container = build.container("db", project=NAME, name=f"{NAME}-db-1")
    world = SimpleNamespace(done=[], there=True, refusing=0, failing="", container=container)
    world.engine = SimpleNamespace(
        container=lambda name: world.container if name == f"{NAME}-db-1" else None,
        log_tail=lambda name: f"{name} said",
    )
    world.store = SimpleNamespace(database=lambda _point, name: f"/store/{name}")
    world.point = SimpleNamespace(id="v0.9.0-x", databases={"shop": "the part"})
    stack = build.stack(postgres=[{"database": "shop", "container": f"{NAME}-db-1"}], health_timeout=0)
    monkeypatch.setattr(_staging_postgres, "PostgresDatabase", lambda described, _engine: Database(world, described))

    def swap(swaps: Any) -> None:
        world.done.append(("swap", [(each.staged, each.run) for each in swaps]))

    monkeypatch.setattr(_staging_postgres._postgres, "swap", swap)
    monkeypatch.setattr(_staging_postgres, "_POLL", 0)
    world.fill = lambda **changes: _staging_postgres.fill(
        world,
        replace(stack, **changes),
        world.point,
        PLAN,
    )
    return world


RESTORED = [
    ("stage", "/store/shop", "the part", "v0.9.0-x"),
    ("gather_statistics", "staged"),
    ("swap", [("staged", "staging")]),
    ("discard", "displaced"),
]


def test_the_restore_points_database_takes_the_place_of_the_images(world: Any) -> None:
    world.fill()
    assert world.done == RESTORED


def test_one_that_the_image_does_not_make_is_made(world: Any) -> None:
    world.there = False
    world.fill()
    assert world.done == ['CREATE DATABASE "shop"', *RESTORED]


def test_a_server_is_waited_for_and_given_up_with_what_may_be_wrong(world: Any, build: Any) -> None:
    world.refusing = 3
    world.fill(health_timeout=60)
    assert world.done == RESTORED
    world.done.clear()
    world.refusing = 1
    with pytest.raises(
        RollbackError, match="of database shop in the staging copy: the database system is star"
    ) as told:
        world.fill()
    assert "made anew by its image" in told.value.hint
    world.container = replace(world.container, health="starting")
    with pytest.raises(RollbackError, match=f"it is running, starting; its last lines: {NAME}-db-1 said"):
        world.fill()
    assert world.done == []


def test_a_role_that_production_got_by_hand_is_named_with_what_to_do(world: Any) -> None:
    world.failing = "the server lacks roles that the copy needs: reader"
    with pytest.raises(RollbackError, match="cannot be restored into the staging copy: the server lacks roles") as told:
        world.fill()
    assert "/docker-entrypoint-initdb.d" in told.value.hint


@pytest.mark.parametrize("strange", [{"project": "shop", "name": "shop-db-1"}, None])
def test_a_server_of_production_is_never_asked(world: Any, build: Any, strange: dict[str, str] | None) -> None:
    world.container = build.container("db", **strange) if strange else None
    with pytest.raises(RollbackError, match="is not in the staging copy"):
        world.fill()
    assert world.done == []
