# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL database as capture and switch see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _databases,
    _pg_capture,
    _pg_loss,
    _pg_names,
    _pg_stage,
    _pg_swap,
)
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_catalog as catalog
from ansible_collections.tiered.rollback.plugins.module_utils._databases import (
    Displaced,
    Postgres,
    Progress,
    Swap,
    TableLoss,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import (
    APPLICATION,
    NOT_ALLOWED,
    Server,
    Session,
    allow,
    terminate,
)
from ansible_collections.tiered.rollback.plugins.module_utils._pg_tools import Tools

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

#: Option of the modules that work on one PostgreSQL database; documented in the ``postgres`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {
    "postgres": {"type": "dict", "required": True, "options": _databases.POSTGRES_SPEC}
}
_SCRIPT_HINT = "Nothing was changed. Correct the script and run it again."
#: What a server says to a statement that has no place inside a function.
_NOT_IN_A_FUNCTION = "0A000"
_IN_PLACE_HINT = (
    "pg_restore --clean cannot drop keys of partitions, nor what newer objects depend on: make room and restore aside."
)


class PostgresDatabase:
    """One database of a server; every method connects anew, since the server may be started again meanwhile."""

    def __init__(self, description: Postgres, engine: Engine | None) -> None:
        if description.database == description.maintenance_database:
            raise RollbackError(
                f"database {description.database} is its own maintenance_database",
                "A database cannot be renamed from inside: name another, such as template1.",
            )
        self.description = description
        self.server = Server(description, engine)

    @property
    def name(self) -> str:
        """What the stack's description calls it."""
        return self.description.name

    @cached_property
    def group(self) -> str:
        """The server, by the number it was given when it was made."""
        with self.server.maintenance() as session:
            return f"postgres {_system(session)}"

    def identity(self) -> str:
        """Name the live database by its server and oid, which a rename does not change."""
        with self.server.maintenance() as session:
            oid = session.value("SELECT oid::bigint FROM pg_database WHERE datname = %s", self.description.database)
            if oid is None:
                raise _absent(self.description.database)
            return f"{_system(session)}/{oid}"

    def schema(self) -> str:
        """Return what the user's query says of the live schema, else a hash of it."""
        with self.server.enter(self.description.database) as session:
            lines = [] if self.description.schema_version else catalog.schema(session)
            return catalog.schema_version(session, self.description.schema_version, lines)

    def size(self) -> int:
        """Bytes of the live database."""
        with self.server.maintenance() as session:
            query = "SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s"
            found = session.value(query, self.description.database)
            if found is None:
                raise _absent(self.description.database)
            return int(found)

    def capture(self, directory: Path, progress: Progress) -> DatabasePart:
        """Dump the live database into an empty directory."""
        return _pg_capture.capture(self.server, directory, progress)

    def stage(self, directory: Path, part: DatabasePart, point: str, progress: Progress) -> str:
        """Restore a copy beside the live database, and check it."""
        return _pg_stage.stage(self.server, directory, part, point, progress)

    def gather_statistics(self, staged: str) -> None:
        """Analyze a staged database: autovacuum would do it only minutes after everybody is back."""
        with self.server.enter(staged) as session:
            _pg_stage.analyze(session)

    def verify(self, directory: Path, part: DatabasePart) -> None:
        """Raise what :meth:`stage` would before it makes anything."""
        with self.server.maintenance() as session:
            _pg_stage.preflight(self.server, session, directory, part)

    def prepared(self) -> Sequence[str]:
        """Name what is staged, whole and checked."""
        with self.server.maintenance() as session:
            return _pg_swap.prepared(session, self.description.database)

    def staged_name(self, point: str) -> str:
        """Name the database that :meth:`stage` makes of a restore point."""
        return _pg_names.prepared(self.description.database, point)

    def discard_half_made(self, point: str) -> None:
        """Remove what a killed restore left of a restore point; what is whole stays."""
        staged = self.staged_name(point)
        with self.server.maintenance() as session:
            if not _pg_stage.is_prepared(session, staged):
                _pg_stage.drop(session, staged)

    def half_made(self) -> Sequence[str]:
        """Name what killed restores left, by its mark."""
        with self.server.maintenance() as session:
            return _pg_swap.half_made(session, self.description.database)

    def discard(self, staged: str) -> None:
        """Remove a database that a run made or put aside, and no other."""
        database = self.description.database
        with self.server.maintenance() as session:
            mark = _pg_names.mark(catalog.comment(session, staged))
            # Killed between its creation and its mark it has only its name.
            if staged == database or not (mark.of == database if mark else _pg_names.is_prepared(database, staged)):
                raise RollbackError(
                    f"{staged} was not made or put aside for database {database}", "Remove it by hand, if at all."
                )
            _pg_stage.drop(session, staged)

    def displaced(self) -> Sequence[Displaced]:
        """Every database that a run put aside, oldest first."""
        with self.server.maintenance() as session:
            return _pg_swap.listed(session, self.description.database)

    def loss(self, staged: str) -> Sequence[TableLoss]:
        """Compare the live database with a staged one, which stays closed for everybody else."""
        with self.server.enter(self.description.database) as live, self.server.enter(staged) as other:
            return _pg_loss.compare(live, other)

    def settle(self) -> None:
        """Write to disk what copying and comparing has left dirty: the first look at a row sets hint bits in its page.

        Else commits of the exchange and the start of containers wait behind it, the longer the larger the database.
        """
        with self.server.maintenance() as session:
            try:
                session.run("CHECKPOINT")
            except RollbackError as error:
                # It is for superusers and, from 15 on, members of pg_checkpoint.
                if error.facts.get("sqlstate") != NOT_ALLOWED:
                    raise

    def keep_out(self) -> None:
        """Let nobody in any more, superusers included, and end the sessions there are."""
        with self.server.maintenance() as session:
            allow(session, self.description.database, False)
            terminate(session, self.description.database)

    def let_in(self) -> None:
        """Let everybody in again, whichever database has the live name now."""
        with self.server.maintenance() as session:
            allow(session, self.description.database, True)

    def execute(self, script: str, timeout: int) -> None:
        """Run an SQL script on the live database in one transaction.

        By ``EXECUTE`` inside an anonymous block: there the server itself refuses BEGIN, COMMIT and ROLLBACK, however
        they are written, and any reading of the script by us could be wrong about its quotes.
        """
        with self.server.enter(self.description.database) as session:
            # The script means the database's own path.
            session.run("RESET search_path")
            session.run("SELECT set_config('statement_timeout', %s, false)", str(timeout * 1000))
            session.run("SELECT set_config('tiered_rollback.script', %s, false)", script)
            try:
                session.run("DO $$ BEGIN EXECUTE current_setting('tiered_rollback.script'); END $$")
            except RollbackError as error:
                hint = _SCRIPT_HINT
                if error.facts.get("sqlstate") == _NOT_IN_A_FUNCTION:
                    hint += (
                        " It is run in one transaction: BEGIN, COMMIT, ROLLBACK and COPY FROM STDIN cannot be in it."
                    )
                # What follows is the whole script, and the block around it.
                told = error.message.partition(" QUERY: ")[0].partition(" CONTEXT: ")[0]
                raise RollbackError(told, hint) from None

    def restore_in_place(self, directory: Path, part: DatabasePart, progress: Progress) -> list[str]:
        """Restore a copy into the live database itself, in one transaction: all of it or nothing.

        ``pg_restore`` must get in itself, so the database cannot be closed before. The door is open until its session
        is there, then closed, and everybody else's session ended, so that no lock of theirs holds it up.

        :returns: objects and rights of the live database that the copy does not know; they stay, and default privileges
            are given to what is restored.
        """
        database = self.description.database
        with self.server.maintenance() as session:
            recorded = _pg_stage.preflight(self.server, session, directory, part, aside=False)
            tools = Tools(self.server, session.version // 10000)
            allow(session, database, True)
            entered = False

            def watch(done: int, total: int, unit: str) -> None:
                nonlocal entered
                if not entered and (own := _restoring(session, database)):
                    allow(session, database, False)
                    terminate(session, database, but=own)
                    entered = True
                progress(done, total, unit)

            try:
                terminate(session, database)
                options = ["--clean", "--if-exists", "--single-transaction"]
                try:
                    _pg_stage.restore(tools, database, directory, part, options, watch)
                except RollbackError as error:
                    raise RollbackError(f"{error.message}\nnothing was changed", _IN_PLACE_HINT) from error
                with self.server.enter(database) as restored:
                    return _pg_stage.check(restored, part, recorded, more=True)
            finally:
                allow(session, database, True)


def given(params: Mapping[str, Any]) -> PostgresDatabase:
    """Return the database that a module was given."""
    # The SDK takes a quarter of a second to import, which a server that is no container needs not wait for.
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

    description = _databases.parse_postgres(params["postgres"], "postgres")
    return PostgresDatabase(description, Engine() if description.container else None)


def swap(swaps: Sequence[Swap]) -> None:
    """Exchange databases of one server in one transaction: all or none. Done already, nothing happens.

    A staged database may be one that an earlier run put aside.
    """
    databases = [one.database for one in swaps]
    own = [database for database in databases if isinstance(database, PostgresDatabase)]
    if len(own) != len(databases) or len({database.group for database in own}) != 1:
        raise RollbackError("databases of different servers cannot be swapped in one step", "Swap each group.")
    wanted = [
        _pg_swap.Exchange(database=database.description.database, staged=one.staged, run=one.run)
        for database, one in zip(own, swaps, strict=True)
    ]
    with own[0].server.maintenance() as session:
        _pg_swap.exchange(session, wanted)


def _system(session: Session) -> str:
    return str(session.value("SELECT system_identifier FROM pg_control_system()"))


def _restoring(session: Session, database: str) -> int:
    query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
    return int(session.value(query, database, APPLICATION) or 0)


def _absent(database: str) -> RollbackError:
    return RollbackError(f"there is no database {database}", "Correct database in rollback_stack.postgres.")
