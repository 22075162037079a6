# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong between a copy of a PostgreSQL database and its swap, on a real server: the live one stays whole."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.postgres import PASSWORD, World, quiet

RUN = "20261120T231500Z-abcdef"


def _truncate(copy: Path) -> None:
    path = max(copy.rglob("*.dat.gz"), key=lambda found: found.stat().st_size)
    path.write_bytes(path.read_bytes()[:-10])


def _flip(copy: Path) -> None:
    path = copy / "dump/toc.dat"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _remove(copy: Path) -> None:
    next(copy.rglob("*.dat.gz")).unlink()


@pytest.mark.parametrize(
    ("damage", "expected"), [(_truncate, "is damaged"), (_flip, "is damaged"), (_remove, "is missing")]
)
def test_a_damaged_copy_is_refused_and_nothing_is_made(
    world: World, damage: Callable[[Path], None], expected: str
) -> None:
    part, before = world.capture(), world.everything()
    damage(world.copy)
    with pytest.raises(RollbackError, match=expected):
        world.database().stage(world.copy, part, "p", quiet)
    assert (world.server.databases(world.name), world.everything()) == ([world.name], before)


def test_a_copy_that_does_not_restore_or_is_not_what_it_says_leaves_nothing(world: World) -> None:
    part, before = world.capture(), world.everything()
    _truncate(world.copy)
    truthful = {path: replace_sum(world.copy / path) for path in part.files}
    with pytest.raises(RollbackError, match="pg_restore failed"):
        world.database().stage(world.copy, replace(part, files=truthful), "p", quiet)
    assert (world.server.databases(world.name), world.everything()) == ([world.name], before)


def replace_sum(path: Path) -> Any:
    from ansible_collections.tiered.rollback.plugins.module_utils import _files
    from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DataFile

    return DataFile(sha256=_files.sha256(path.read_bytes()), size=path.stat().st_size)


def test_rows_that_are_missing_after_the_restore_are_noticed(world: World) -> None:
    part = world.capture()
    with pytest.raises(RollbackError, match=r"has 500 rows in public\.orders instead of 501"):
        world.database().stage(world.copy, replace(part, tables={**part.tables, "public.orders": 501}), "p", quiet)
    assert world.server.databases(world.name) == [world.name]


def test_without_room_for_a_second_database_nothing_is_made(world: World) -> None:
    """On the file system of the server, which is another one than the state directory's."""

    def inside(*command: str) -> None:
        engine.docker("exec", "--user", "postgres", world.server.container, *command)

    inside("mkdir", "/small/space")
    world.server.run("postgres", "CREATE TABLESPACE small LOCATION '/small/space'")
    world.server.run("postgres", f'ALTER DATABASE "{world.name}" SET TABLESPACE small')
    part, before = world.capture(), world.everything()
    inside("dd", "if=/dev/zero", "of=/small/filler", "bs=1M", "count=16", "status=none")
    with pytest.raises(RollbackError, match=r"no room to restore aside: .* are free on the server") as caught:
        world.database().stage(world.copy, part, "p", quiet)
    assert "cleanup.yml" in caught.value.hint
    assert (world.server.databases(world.name), world.everything()) == ([world.name], before)
    inside("rm", "/small/filler")
    world.database().stage(world.copy, part, "p", quiet)


def test_a_copy_of_another_database_is_refused(world: World) -> None:
    part = world.capture()
    other = replace(part, properties={**part.properties, "database": "other"})
    with pytest.raises(RollbackError, match="copy of database other"):
        world.database().stage(world.copy, other, "p", quiet)


@pytest.mark.parametrize("kind", ["roles", "extensions", "tablespaces"])
def test_what_the_server_lacks_is_named_before_anything_is_made(world: World, kind: str) -> None:
    part = world.capture()
    needs = {**part.properties["needs"], kind: [*part.properties["needs"][kind], "no_such"]}
    lacking = replace(part, properties={**part.properties, "needs": needs})
    with pytest.raises(RollbackError, match=f"lacks {kind} that the copy needs: no_such"):
        world.database().stage(world.copy, lacking, "p", quiet)
    assert world.server.databases(world.name) == [world.name]


def test_a_role_that_is_gone_since_the_copy_is_named(world: World) -> None:
    gone = f"gone{secrets.token_hex(3)}"
    world.run(f"CREATE ROLE {gone}; GRANT SELECT ON items TO {gone}")
    part = world.capture()
    world.run(f"DROP OWNED BY {gone}; DROP ROLE {gone}")
    with pytest.raises(RollbackError, match=f"lacks roles that the copy needs: {gone}"):
        world.database().stage(world.copy, part, "p", quiet)


def test_a_staged_database_that_a_killed_comparison_left_open_is_closed_again(world: World) -> None:
    part = world.capture()
    staged = world.database().stage(world.copy, part, "p", quiet)
    world.server.run("postgres", f'ALTER DATABASE "{staged}" ALLOW_CONNECTIONS true')
    assert world.database().stage(world.copy, part, "p", quiet) == staged
    with pytest.raises(psycopg2.OperationalError, match="not currently accepting"):
        world.server.connect(staged)


@pytest.mark.parametrize(
    ("changes", "expected", "hint"),
    [
        ({"password": "wrong one"}, "password authentication failed", "Correct user and password"),
        ({"port": 5433}, "refused", "Is the server up"),
        ({"database": "no such"}, "does not exist", "psql --list"),
        ({"container": "no_such"}, "is not there", "Correct container"),
    ],
)
def test_errors_say_what_to_do_and_never_the_password(
    world: World, changes: dict[str, Any], expected: str, hint: str
) -> None:
    with pytest.raises(RollbackError) as caught:
        world.database(**changes).schema()
    assert expected in caught.value.message
    assert hint in caught.value.hint
    assert PASSWORD not in str(caught.value)
    assert "wrong one" not in str(caught.value)


def test_with_few_free_connections_there_are_fewer_jobs_and_with_none_a_clear_error(world: World) -> None:
    part = world.capture()
    limit = int(world.run("SHOW max_connections")[0][0])
    held = [world.server.connect("postgres") for _unused in range(limit - 4)]
    try:
        staged = world.database(jobs=8).stage(world.copy, part, "p", quiet)
        held += [world.server.connect("postgres") for _unused in range(2)]
        with pytest.raises(RollbackError, match="connections are free"):
            world.database(jobs=8).stage(world.copy, part, "other", quiet)
    finally:
        for connection in held:
            connection.close()
    assert world.database().prepared() == [staged]


def test_a_session_that_holds_a_lock_and_one_that_comes_back_stop_no_swap(world: World) -> None:
    database = world.database()
    staged = database.stage(world.copy, world.capture(), "p", quiet)
    holder = world.server.connect(world.name)
    with holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    stop = multiprocessing.get_context("fork").Event()

    def come_back() -> None:
        while not stop.is_set():
            with contextlib.suppress(psycopg2.Error):
                world.server.connect(world.name).close()

    client = multiprocessing.get_context("fork").Process(target=come_back)
    client.start()
    try:
        began = time.monotonic()
        _postgres.swap([Swap(database=database, staged=staged, run=RUN)])
        assert time.monotonic() - began < 5
    finally:
        stop.set()
        client.join()
    holder.close()
    assert database.displaced()[0].name == f"{world.name}_displaced_{RUN}"


def test_a_swap_that_fails_leaves_both_as_they_were_and_the_live_one_open(world: World) -> None:
    database = world.database()
    staged = database.stage(world.copy, world.capture(), "p", quiet)
    before = world.everything()
    in_the_way = f"{world.name}_displaced_{RUN}"
    world.server.run("postgres", f'CREATE DATABASE "{in_the_way}"')
    with pytest.raises(RollbackError, match="already exists"):
        _postgres.swap([Swap(database=database, staged=staged, run=RUN)])
    assert world.everything() == before
    assert database.prepared() == [staged]
    with pytest.raises(RollbackError, match="no whole copy"):
        _postgres.swap([Swap(database=database, staged=in_the_way, run=RUN)])
    with pytest.raises(RollbackError, match="was not made or put aside"):
        database.discard(in_the_way)


def test_two_databases_of_a_server_are_swapped_together_or_not_at_all(world: World, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = World(world.server, world.server.make(), tmp_path / "second")
    both = [one.database() for one in (world, second)]
    assert both[0].group == both[1].group
    staged = [one.database().stage(one.copy, one.capture(), "p", quiet) for one in (world, second)]
    world.server.run("postgres", f'ALTER DATABASE "{staged[1]}" RENAME TO "{second.name} hidden"')
    identities = [one.identity() for one in both]
    swaps = [Swap(database=one, staged=name, run=RUN) for one, name in zip(both, staged, strict=True)]
    with pytest.raises(RollbackError):
        _postgres.swap(swaps)
    assert [one.identity() for one in both] == identities
    world.server.run("postgres", f'ALTER DATABASE "{second.name} hidden" RENAME TO "{staged[1]}"')
    _postgres.swap(swaps)
    assert all(one.identity() not in identities for one in both)
    world.server.drop(second.name)


def _stage_slowly(world: World, part: DatabasePart, reached: Any) -> None:
    def progress(done: int, _total: int, unit: str) -> None:
        if unit == "tables" and done:
            reached.set()
            time.sleep(60)

    world.database().stage(world.copy, part, "p", progress)


def _kill_stage(world: World, part: DatabasePart) -> None:
    context = multiprocessing.get_context("fork")
    reached = context.Event()
    child = context.Process(target=_stage_slowly, args=(world, part, reached))
    child.start()
    assert reached.wait(60)
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert len(world.server.databases(world.name)) == 2
    assert world.database().prepared() == []


def test_what_a_killed_stage_left_is_told_from_what_is_whole_and_can_be_removed(world: World) -> None:
    part, before = world.capture(), world.everything()
    _kill_stage(world, part)
    whole = world.database().stage(world.copy, part, "other", quiet)
    (half,) = world.database().half_made()
    assert half == world.database().staged_name("p") != whole

    world.database().discard(half)
    assert world.server.databases(world.name) == sorted([world.name, whole])
    assert (world.database().half_made(), world.database().prepared()) == ([], [whole])
    assert world.everything() == before


def test_a_stage_that_was_killed_is_made_again(world: World, tools: str) -> None:
    part, before = world.capture(), world.everything()
    _kill_stage(world, part)

    staged = world.database().stage(world.copy, part, "p", quiet)
    assert world.database().loss(staged) == []
    assert world.everything() == before


def test_a_restore_in_place_that_fails_changes_nothing_and_lets_everybody_in_again(world: World) -> None:
    part = world.capture()
    world.run("DELETE FROM orders WHERE id < 300")
    before = world.everything()
    with pytest.raises(RollbackError, match="nothing was changed"):
        world.database().restore_in_place(world.copy, part, quiet)
    assert world.everything() == before
