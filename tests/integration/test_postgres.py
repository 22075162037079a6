# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL database captured, restored aside, swapped and swapped back, on a real server in a container."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap, TableLoss
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support.postgres import PASSWORD, World, quiet

RUN = "20261120T231500Z-abcdef"
UNDO = "20261120T234500Z-fedcba"


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
    database.gather_statistics(staged)
    with database.server.enter(staged) as session:
        never = "SELECT relname FROM pg_stat_user_tables WHERE last_analyze IS NULL AND n_live_tup > 0"
        assert session.column(never) == []
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


def test_the_copy_knows_roles_and_extensions_it_needs(world: World) -> None:
    needs = world.capture().properties["needs"]
    assert needs["roles"] == ["postgres", world.server.role]
    assert set(needs["extensions"]) == {"plpgsql", "pgcrypto", "file_fdw"}


def test_an_ordinary_owner_can_do_it_all(world: World) -> None:
    owner, name = f"owner{secrets.token_hex(3)}", f"{world.name} owned"
    world.server.run("postgres", f"CREATE ROLE {owner} LOGIN CREATEDB PASSWORD 'hunter2' IN ROLE pg_signal_backend")
    world.server.run("postgres", f'CREATE DATABASE "{name}" OWNER {owner}')
    application = world.server.connect(name)
    with application.cursor() as cursor:
        cursor.execute(f"SET ROLE {owner}; CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2)")
    database = world.database(database=name, user=owner, password="hunter2")
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


def test_rights_that_are_missing_are_named_before_anything_is_made(world: World) -> None:
    clerk = f"clerk{secrets.token_hex(3)}"
    world.server.run("postgres", f"CREATE ROLE {clerk} LOGIN PASSWORD 'hunter2' IN ROLE pg_read_all_data")
    part = world.capture()
    lacking = f"{clerk} lacks CREATEDB .*; membership of postgres, the owner of {world.name}"
    with pytest.raises(RollbackError, match=lacking):
        world.database(user=clerk, password="hunter2").stage(world.copy, part, "p", quiet)
    assert world.server.databases(world.name) == [world.name]
    world.server.run("postgres", f"DROP ROLE {clerk}")


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
    assert told["prepared"] == []

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
