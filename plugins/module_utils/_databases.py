# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a stack: how a user describes them, and what capture and switch ask of every kind (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart

POSTGRES_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "database": {"type": "str", "required": True},
    "container": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "default": "postgres"},
    "password": {"type": "str", "no_log": True},
    # A path; the passwords are in the file.
    "passfile": {"type": "str", "no_log": False},
    "service_file": {"type": "str"},
    "service_name": {"type": "str"},
    "maintenance_database": {"type": "str", "default": "postgres"},
    "format": {"type": "str", "choices": ["custom", "directory"], "default": "directory"},
    "jobs": {"type": "int", "default": 2},
    "schema_version": {"type": "str"},
    "writers": {"type": "list", "elements": "str"},
}
SQLITE_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str"},
    "path": {"type": "str", "required": True},
    "service": {"type": "str"},
    "schema_version": {"type": "str"},
    "writers": {"type": "list", "elements": "str"},
}

#: Called now and then during long work with how much is done, of how much, in what (``bytes``, ``tables``).
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A PostgreSQL database.

    :param name: what plans, reports and restore points call it; the default is the database's own name.
    :param container: container that the server runs in; its client tools are used where the host has none that fit,
        and without `host` its address is connected to.
    :param password: given to libpq and the client tools by environment, never on a command line.
    :param passfile: a ``.pgpass`` file on the target; `service_file` and `service_name` likewise are libpq's.
    :param maintenance_database: where the connection goes that creates and renames databases.
    :param jobs: processes that dump and restore side by side.
    :param schema_version: query whose one value names the schema (``SELECT max(version) FROM migrations``); without
        it a hash of the schema does.
    :param writers: services that are stopped meanwhile; None: those that depend on the container's service.
    """

    name: str
    database: str
    container: str | None
    host: str | None
    port: int
    user: str
    password: str | None = field(repr=False)
    passfile: str | None
    service_file: str | None
    service_name: str | None
    maintenance_database: str
    format: str
    jobs: int
    schema_version: str | None
    writers: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Sqlite:
    """An SQLite database.

    :param path: absolute; on the host, or where `service` is set inside that service's containers, in a volume or
        bind mount.
    :param schema_version: query whose one value names the schema; without it a hash of the schema does.
    :param writers: services that are stopped meanwhile; None: every service that mounts the file.
    """

    name: str
    path: str
    service: str | None
    schema_version: str | None
    writers: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class TableLoss:
    """What a table would lose by going back: rows that came, went or changed since the point was captured.

    :param changed: None where the table has no key by which a changed row could be told from a new one.
    """

    table: str
    added: int
    removed: int
    changed: int | None


@dataclass(frozen=True, kw_only=True)
class Displaced:
    """A database that a run put aside; its name says which.

    :param at: when, UTC, ISO 8601.
    :param size: bytes.
    """

    name: str
    run: str
    at: str
    size: int


class Database(Protocol):
    """What capture and switch ask of a database, of whatever kind.

    A *staged* database is one that lies beside the live one, restored and checked, and needs only the swap. Its name
    is what :meth:`stage` returns. Every method can be called again after a kill and converges.
    """

    @property
    def name(self) -> str:
        """What the stack's description calls it."""

    @property
    def group(self) -> str:
        """Databases of one group are swapped together, in one step: all or none."""

    def identity(self) -> str:
        """Name the live database itself: another one under the same name has another identity."""

    def schema(self) -> str:
        """Return the live schema's version or hash."""

    def size(self) -> int:
        """Bytes of the live database."""

    def capture(self, directory: Path, progress: Progress) -> DatabasePart:
        """Write a consistent copy of the live database into an empty directory, and say what it holds."""

    def stage(self, directory: Path, part: DatabasePart, point: str, progress: Progress) -> str:
        """Restore a captured copy beside the live database and check it; at once where that is done already.

        :param point: id of the restore point, which the staged database's name is made of.
        :raises RollbackError: when the copy is damaged, does not restore or is not what the part says.
        """

    def gather_statistics(self, staged: str) -> None:
        """See that queries are planned well on a staged database from its first moment; a dump may not hold that."""

    def staged_name(self, point: str) -> str:
        """Name what :meth:`stage` makes of a restore point, whether it is there or not."""

    def discard_half_made(self, point: str) -> None:
        """Remove what a killed :meth:`stage` left of a restore point; what is whole stays."""

    def half_made(self) -> Sequence[str]:
        """Name what killed restores of any point left; only who owns the stack knows that none is at work."""

    def discard(self, staged: str) -> None:
        """Remove a staged, half-made or displaced database; none is no error."""

    def displaced(self) -> Sequence[Displaced]:
        """Every database that a run put aside, oldest first."""

    def loss(self, staged: str) -> Sequence[TableLoss]:
        """Compare the live database with a staged one; tables without any difference are left out."""

    def settle(self) -> None:
        """Do beforehand what would else be in the way of the exchange; for those who wait, it matters how long."""

    def keep_out(self) -> None:
        """Let nobody in any more and end the connections there are."""

    def let_in(self) -> None:
        """Let everybody in again, whichever database has the live name now."""

    def execute(self, script: str, timeout: int) -> None:
        """Run an SQL script on the live database in one transaction: all of it or nothing.

        :param timeout: seconds, then nothing of it is done.
        :raises RollbackError: also where the script would end the transaction itself.
        """


@dataclass(frozen=True, kw_only=True)
class Swap:
    """One exchange: *staged* becomes the live database, the live one is kept as put aside by *run*."""

    database: Database
    staged: str
    run: str


#: Exchanges live and staged databases of one kind.
Exchange = Callable[[Sequence[Swap]], None]


def parse_postgres(values: Mapping[str, Any], where: str) -> Postgres:
    """Check what the specification cannot say; *values* are validated by it."""
    if values["jobs"] < 1:
        raise RollbackError(f"{where}.jobs must be at least 1", "2 is the default.")
    if not (values["container"] or values["host"] or values["service_name"]):
        raise RollbackError(
            f"{where} says neither container nor host nor service_name",
            "Name the container that the server runs in, the host it listens on, or a service of libpq's service file.",
        )
    return Postgres(**frozen({**values, "name": values["name"] or values["database"]}))


def parse_sqlite(values: Mapping[str, Any], where: str) -> Sqlite:
    """Check what the specification cannot say; *values* are validated by it."""
    path = PurePosixPath(values["path"])
    if not path.is_absolute() or ".." in path.parts:
        raise RollbackError(f"{where}.path is not an absolute path: {values['path']}", "Give it without '..'.")
    return Sqlite(**frozen({**values, "path": str(path), "name": values["name"] or path.name}))


def frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return validated values as fields of a frozen dataclass: lists become tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
