# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL database captured, restored aside, swapped and swapped back, on a real server in a container."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _databases as databases
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_tools, _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap, TableLoss
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.postgres import PASSWORD, PostgresServer

RUN = "20261120T231500Z-abcdef"
UNDO = "20261120T234500Z-fedcba"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer(secrets.token_hex(4))
    try:
        made.start()
        yield made
    finally:
        made.stop()
    assert not engine.docker("ps", "-aq", "--filter", f"label={_pg_tools.LABEL}")


def quiet(_done: int, _total: int, _unit: str) -> None:
    return


@dataclass
class World:
    """One database on the server, and a directory for its copy."""

    server: PostgresServer
    name: str
    copy: Path

    def database(self, **changes: Any) -> PostgresDatabase:
        values = {key: spec.get("default") for key, spec in databases.POSTGRES_SPEC.items()}
        values |= {"database": self.name, "container": self.server.container, "password": PASSWORD, **changes}
        return PostgresDatabase(databases.parse_postgres(values, "postgres[0]"), Engine())

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.run(self.name, statement)

    def everything(self) -> dict[str, Any]:
        return self.server.everything(self.name)

    def capture(self, **changes: Any) -> DatabasePart:
        return self.database(**changes).capture(self.copy, quiet)


@pytest.fixture
def world(server: PostgresServer, tmp_path: Path) -> Iterator[World]:
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    made = World(server, server.make(), copy)
    yield made
    server.drop(made.name)


@pytest.fixture(params=["host", "container"])
def tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "container":
        monkeypatch.setattr(_pg_tools, "host_tools", dict)
    elif 15 not in _pg_tools.host_tools():
        pytest.skip("the host has no client tools of release 15")
    return str(request.param)


@pytest.mark.parametrize("kind", ["custom", "directory"])
def test_a_database_goes_back_and_forth_without_losing_anything(world: World, tools: str, kind: str) -> None:
    database = world.database(format=kind)
    told: list[tuple[int, int, str]] = []
    old, identity, schema = world.everything(), database.identity(), database.schema()
    part = database.capture(world.copy, lambda *said: told.append(said))
    world.run("DELETE FROM orders WHERE id <= 100; ALTER TABLE orders ADD more int; CREATE TABLE later (a int)")
    new = world.everything()

    staged = database.stage(world.copy, part, "v1-20261120T000000Z", lambda *said: told.append(said))
    assert world.everything() == new
    assert world.server.run("postgres", f"SELECT datallowconn FROM pg_database WHERE datname = '{staged}'") == [
        (False,)
    ]
    assert staged == database.stage(world.copy, part, "v1-20261120T000000Z", quiet) == database.prepared()[0]
    for run, staged_now, expected in ((RUN, staged, old), (UNDO, f"{world.name}_displaced_{RUN}", new)):
        database.keep_out()
        _postgres.swap([Swap(database=database, staged=staged_now, run=run)])
        _postgres.swap([Swap(database=database, staged=staged_now, run=run)])
        database.let_in()
        assert world.everything() == expected
        if run == RUN:
            assert database.schema() == schema == part.schema
            assert database.identity() != identity
    assert database.identity() == identity
    assert [one.run for one in database.displaced()] == [UNDO]
    assert all(unit in ("bytes", "tables") and done <= total for done, total, unit in told)
    database.discard(f"{world.name}_displaced_{UNDO}")
    database.discard(staged)
    assert world.server.databases(world.name) == [world.name]


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


def test_the_copy_knows_roles_and_extensions_it_needs(world: World) -> None:
    needs = world.capture().properties["needs"]
    assert needs["roles"] == ["postgres", world.server.role]
    assert set(needs["extensions"]) == {"plpgsql", "pgcrypto", "file_fdw"}


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
    held = [world.server.connect("postgres") for _ in range(limit - 4)]
    try:
        staged = world.database(jobs=8).stage(world.copy, part, "p", quiet)
        held += [world.server.connect("postgres") for _ in range(2)]
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


def test_an_ordinary_owner_can_do_it_all(world: World) -> None:
    owner, name = f"owner{secrets.token_hex(3)}", f"{world.name} owned"
    world.server.run("postgres", f"CREATE ROLE {owner} LOGIN CREATEDB PASSWORD 'x' IN ROLE pg_signal_backend")
    world.server.run("postgres", f'CREATE DATABASE "{name}" OWNER {owner}')
    application = world.server.connect(name)
    with application.cursor() as cursor:
        cursor.execute(f"SET ROLE {owner}; CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2)")
    database = world.database(database=name, user=owner, password="x")
    database.stage(world.copy, database.capture(world.copy, quiet), "p", quiet)
    # The application is a superuser here, whom only another may end.
    with pytest.raises(RollbackError, match="pg_signal_backend"):
        database.keep_out()
    application.close()
    database.let_in()
    (staged,) = database.prepared()
    world.server.run(name, "DELETE FROM a WHERE id = 1")
    assert database.loss(staged) == [TableLoss(table="public.a", added=0, removed=1, changed=0)]
    database.keep_out()
    _postgres.swap([Swap(database=database, staged=staged, run=RUN)])
    assert world.server.run(name, "SELECT count(*) FROM a") == [(2,)]
    world.server.drop(name)
    world.server.run("postgres", f"DROP ROLE {owner}")


@pytest.mark.parametrize(
    "options",
    [
        "ENCODING 'LATIN1' LOCALE 'C'",
        "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'",
    ],
)
def test_encoding_and_locale_are_as_they_were(world: World, options: str) -> None:
    name = f"{world.name} locale"
    world.server.run("postgres", f'CREATE DATABASE "{name}" TEMPLATE template0 {options}')
    world.server.run(name, "CREATE TABLE \"tä\" (a text PRIMARY KEY); INSERT INTO \"tä\" VALUES ('ö'), ('z')")
    database = world.database(database=name)
    asked = "SELECT encoding, datcollate, datctype, datlocprovider, daticulocale FROM pg_database WHERE datname = "
    before = world.server.run("postgres", f"{asked}'{name}'")
    staged = database.stage(world.copy, database.capture(world.copy, quiet), "p", quiet)
    assert world.server.run("postgres", f"{asked}'{staged}'") == before
    assert database.loss(staged) == []
    world.server.drop(name)


@pytest.mark.parametrize("way", ["passfile", "service"])
def test_a_passfile_or_a_service_does_as_well_as_a_password(world: World, tools: str, tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret"
    if way == "passfile":
        secret.write_text(f"*:*:*:*:{PASSWORD}\n")
        changes: dict[str, Any] = {"passfile": str(secret)}
    else:
        secret.write_text(f"[shop]\nhost={world.server.address}\nuser=postgres\npassword={PASSWORD}\n")
        changes = {"service_file": str(secret), "service_name": "shop", "container": None}
        if tools == "container":
            pytest.skip("a service says the address itself, so no container is named")
    secret.chmod(0o600)
    database = world.database(password=None, **changes)
    assert database.loss(database.stage(world.copy, database.capture(world.copy, quiet), "p", quiet)) == []


def ask(tmp_path: Path, module: str, *flags: str, **options: Any) -> dict[str, Any]:
    """Run a module as Ansible does and return what it said; the password shows nowhere."""
    text = subprocess.run(
        [
            *("ansible", "localhost", "-c", "local", "-vvv", "-m", f"tiered.rollback.{module}", *flags),
            *("-e", f"ansible_python_interpreter={sys.executable}", "-a", json.dumps(options)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_NOCOLOR": "1"},
    ).stdout
    assert PASSWORD not in text
    found = re.search(r"^localhost \| \w+!? => (\{.*^\})", text, re.DOTALL | re.MULTILINE)
    assert found, text
    return dict(json.loads(found[1]))


def test_the_modules_copy_tell_restore_and_swap(world: World, tmp_path: Path) -> None:
    postgres = {"database": world.name, "container": world.server.container, "password": PASSWORD}
    dest = str(tmp_path / "backups/one")
    before = world.everything()
    foretold = ask(tmp_path, "pg_backup", "--check", postgres=postgres, dest=dest)
    assert not Path(dest).exists()
    made = ask(tmp_path, "pg_backup", postgres=postgres, dest=dest)
    again = ask(tmp_path, "pg_backup", postgres=postgres, dest=dest)
    assert (foretold["changed"], made["changed"], again["changed"]) == (True, True, False)
    assert foretold["schema"] == made["schema"] == again["schema"]

    world.run("DELETE FROM items")
    foretold = ask(tmp_path, "pg_restore", "--check", postgres=postgres, src=dest, swap=True)
    assert world.server.databases(world.name) == [world.name]
    real = ask(tmp_path, "pg_restore", postgres=postgres, src=dest, swap=True)
    assert (foretold["changed"], foretold["actions"]) == (real["changed"], real["actions"])
    assert real["loss"] == [{"table": "public.items", "added": 0, "removed": 500, "changed": 0}]
    assert world.everything() == before
    assert not ask(tmp_path, "pg_restore", postgres=postgres, src=dest, swap=True)["changed"]
    told = ask(tmp_path, "pg_database_info", postgres=postgres)
    assert [one["name"] for one in told["displaced"]] == [real["displaced"]]
    assert told["staged"] == []

    failed = ask(tmp_path, "pg_database_info", postgres={**postgres, "database": "no such"})
    assert "there is no database no such" in failed["msg"]


def test_nobody_gets_in_while_kept_out(world: World) -> None:
    database = world.database()
    inside = world.server.connect(world.name)
    database.keep_out()
    with pytest.raises(Exception, match=r"terminat|closed"), inside.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(Exception, match="not currently accepting"):
        world.server.connect(world.name)
    assert database.schema()
    with pytest.raises(Exception, match="not currently accepting"):
        world.server.connect(world.name)
    database.let_in()
    world.server.connect(world.name).close()


def test_the_statement_of_loss_is_exact(world: World) -> None:
    database = world.database()
    staged = database.stage(world.copy, world.capture(), "p", quiet)
    assert database.loss(staged) == []
    world.run(
        "INSERT INTO orders (state, total) SELECT 'new', 1 FROM generate_series(1, 7);"
        "UPDATE orders SET total = total + 1 WHERE id <= 20; DELETE FROM orders WHERE id BETWEEN 21 AND 25;"
        "ALTER TABLE orders ADD more int DEFAULT 5;"
        "INSERT INTO \"we ird\".\"Tä ble\" VALUES ('x', 1, 2), ('new', 1, 2);"
        'DELETE FROM "we ird"."Tä ble" WHERE "a b" IS NULL;'
        "UPDATE log SET line = 'changed' WHERE day = '2026-08-01';"
        "INSERT INTO log (day, line) VALUES ('2026-01-05', 'x');"
        "CREATE TABLE later AS SELECT generate_series(1, 3); DROP TABLE watched"
    )
    before = world.everything()
    assert database.loss(staged) == [
        TableLoss(table='"we ird"."Tä ble"', added=2, removed=1, changed=None),
        TableLoss(table="public.items", added=0, removed=5, changed=0),
        TableLoss(table="public.later", added=3, removed=0, changed=0),
        TableLoss(table="public.log_1", added=1, removed=0, changed=0),
        TableLoss(table="public.log_2", added=0, removed=0, changed=1),
        TableLoss(table="public.orders", added=7, removed=5, changed=20),
    ]
    assert world.everything() == before
    assert world.server.run("postgres", f"SELECT datallowconn FROM pg_database WHERE datname = '{staged}'") == [
        (False,)
    ]


def _stage_slowly(world: World, part: DatabasePart, reached: Any) -> None:
    def progress(done: int, _total: int, unit: str) -> None:
        if unit == "tables" and done:
            reached.set()
            time.sleep(60)

    world.database().stage(world.copy, part, "p", progress)


def test_a_stage_that_was_killed_is_made_again(world: World, tools: str) -> None:
    part, before = world.capture(), world.everything()
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

    staged = world.database().stage(world.copy, part, "p", quiet)
    assert world.database().loss(staged) == []
    assert world.everything() == before


def test_a_restore_in_place_is_one_transaction_and_says_what_it_left(world: World, tools: str) -> None:
    # pg_restore --clean drops a partition's key first, which the server refuses.
    world.run("DROP TABLE log CASCADE")
    default = "DEFAULT PRIVILEGES IN SCHEMA public"
    world.run(f'ALTER {default} REVOKE SELECT ON TABLES FROM "{world.server.role}"')
    database, before = world.database(), world.everything()
    part = world.capture()
    world.run("DELETE FROM orders WHERE id < 300; ALTER TABLE orders ADD more int; CREATE TABLE later (a int)")
    world.run('GRANT UPDATE ON "we ird"."Tä ble" TO PUBLIC')
    holder = world.server.connect(world.name)
    with holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    left = database.restore_in_place(world.copy, part, quiet)
    holder.close()
    assert any(re.match(r"relation r public\.later", line) for line in left)
    world.run("DROP TABLE later")
    assert world.everything() == before


def test_a_restore_in_place_that_fails_changes_nothing_and_lets_everybody_in_again(world: World) -> None:
    part = world.capture()
    world.run("DELETE FROM orders WHERE id < 300")
    before = world.everything()
    with pytest.raises(RollbackError, match="nothing was changed"):
        world.database().restore_in_place(world.copy, part, quiet)
    assert world.everything() == before


def test_the_users_query_names_the_schema(world: World) -> None:
    query = "SELECT max(total) FROM orders"
    assert world.database(schema_version=query).schema() == "500"
    assert world.capture(schema_version=query).schema == "500"


def test_a_copy_while_the_application_writes_is_of_one_moment(world: World) -> None:
    stop = multiprocessing.get_context("fork").Event()

    def write() -> None:
        with world.server.session(world.name) as cursor:
            while not stop.is_set():
                cursor.execute("WITH o AS (INSERT INTO orders (state, total) VALUES ('new', 1) RETURNING id)"
                               " INSERT INTO items SELECT id, 1 FROM o; SELECT nextval('tickets')")  # fmt: skip

    writer = multiprocessing.get_context("fork").Process(target=write)
    writer.start()
    try:
        part = world.capture()
    finally:
        stop.set()
        writer.join()
    assert part.tables["public.orders"] == part.tables["public.items"]
    world.database().stage(world.copy, part, "p", quiet)
