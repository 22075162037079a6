# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL databases of a staging copy: its own servers, made anew by their images, get the restore point's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _database_copy, _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Postgres, Swap
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import identifier
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Session
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

#: Whom the image's first database is put aside by; it is removed at once.
_BY = "staging"
_POLL = 0.2
_ANEW = (
    "The copy's server is made anew by its image, from the configuration that was captured. What a person did to "
    "production's server afterwards (roles, passwords, extensions) is in no restore point: let its first start do "
    "that, as by scripts in /docker-entrypoint-initdb.d."
)


def fill(ctx: Context, stack: Stack, point: RestorePoint, plan: Mapping[str, Any]) -> None:
    """Give every server of the copy, which runs already, the restore point's databases in place of its empty ones.

    :param stack: the copy.
    """
    deadline = time.monotonic() + stack.health_timeout
    for description in stack.postgres:
        refuse_strange(description, ctx.engine, plan)
        database = PostgresDatabase(description, ctx.engine)
        _wait(database, ctx.engine, deadline)
        try:
            _restore(ctx, database, point)
        except RollbackError as error:
            raise RollbackError(
                f"database {description.name} cannot be restored into the staging copy: {error.message}", _ANEW
            ) from error


def refuse_strange(description: Postgres, engine: Engine, plan: Mapping[str, Any]) -> None:
    """Refuse a server that is in no container of the copy's own project."""
    found = engine.container(description.container or "")
    if found is None or found.project != plan["name"]:
        raise RollbackError(
            f"the server of database {description.name} ({description.container}) is not in the staging copy",
            "This is a fault of the drill; nothing was done to it.",
        )


def _wait(database: PostgresDatabase, engine: Engine, deadline: float) -> None:
    """Wait until a server that was started a moment ago lets us in, and says that it is well."""
    while True:
        try:
            container = database.server.container()
            with database.server.maintenance():
                if container is None or container.good:
                    return
            problem = f"it is {container.state}"
        except RollbackError as error:
            problem = error.message
        if time.monotonic() > deadline:
            tail = engine.log_tail(database.description.container or "")
            said = f"{problem}{f'; its last lines: {tail}' if tail else ''}"
            raise RollbackError(f"the server of database {database.name} in the staging copy: {said}", _ANEW)
        time.sleep(_POLL)


def _restore(ctx: Context, database: PostgresDatabase, point: RestorePoint) -> None:
    with database.server.maintenance() as session:
        _make(session, database.description.database)
    part, directory = point.databases[database.name], ctx.store.database(point, database.name)
    staged = database.stage(directory, part, point.id, _database_copy.silent)
    database.gather_statistics(staged)
    _postgres.swap([Swap(database=database, staged=staged, run=_BY)])
    for displaced in database.displaced():
        database.discard(displaced.name)


def _make(session: Session, name: str) -> None:
    """Make the database that is replaced, where the image makes none of that name."""
    if not session.rows("SELECT FROM pg_database WHERE datname = %s", name):
        session.run(f"CREATE DATABASE {identifier(name)}")
