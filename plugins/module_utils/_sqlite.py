# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SQLite database of a stack: captured while it is written to, staged beside the live file, exchanged by rename."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _databases,
    _files,
    _sqlite_check,
    _sqlite_copy,
    _sqlite_file,
    _sqlite_loss,
    _sqlite_place,
    _sqlite_script,
    _sqlite_swap,
)
from ansible_collections.tiered.rollback.plugins.module_utils._databases import (
    Displaced,
    Progress,
    Sqlite,
    Swap,
    TableLoss,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart, DataFile

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

#: Options of the modules that work on one SQLite database; documented in the ``sqlite`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "service": {"type": "str"},
    "project": {"type": "str"},
}
TOGETHER = [("service", "project")]
#: The one file of a copy.
COPY = "database.sqlite"
_ROOM = 1 << 20
_PARTIAL = ".partial"


class SqliteDatabase:
    """One SQLite database (:class:`_databases.Database`).

    :param engine: needed only where *description* names a service, and *project*, its Compose project, likewise.
    """

    def __init__(self, description: Sqlite, engine: Engine | None = None, project: str = "") -> None:
        self.description = description
        self._engine = engine
        self._project = project

    @cached_property
    def live(self) -> Path:
        """The database's file on this host; looked up once, since what is staged lies beside it."""
        return _sqlite_place.find(self.description, self._engine, self._project)

    @property
    def name(self) -> str:
        """What the stack's description calls it."""
        return self.description.name

    @property
    def group(self) -> str:
        """Each file is exchanged by a rename of its own."""
        return f"sqlite:{self.name}"

    def identity(self) -> str:
        """Device and inode of the live file."""
        _sqlite_file.may_open(self.live)
        stat = self.live.stat()
        return f"{stat.st_dev}:{stat.st_ino}"

    def schema(self) -> str:
        """Return the live schema's version or hash."""
        with _sqlite_file.opened(self.live) as connection:
            return _sqlite_file.schema(connection, self.description.schema_version)

    def size(self) -> int:
        """Bytes of the live file and of the log that belongs to it."""
        _sqlite_file.may_open(self.live)
        return sum(path.stat().st_size for path in (self.live, *_sqlite_place.beside(self.live)[:1]) if path.exists())

    def capture(self, directory: Path, progress: Progress) -> DatabasePart:
        """Write a consistent copy of the live database into an empty directory, and say what it holds."""
        _files.reserve(directory, self.size() + _ROOM)
        stat = self.live.stat()
        copy = directory / COPY
        summed = _sqlite_copy.copy(self.live, copy, progress)
        # The full check of large indexes takes longer than all the rest; it is made when the copy is restored, and a
        # restore point has to pass it before it counts as proven.
        found = _sqlite_check.examine(copy, self.description.schema_version, summed, full=False)
        owner = {"mode": stat.st_mode & 0o7777, "uid": stat.st_uid, "gid": stat.st_gid}
        return DatabasePart(
            kind="sqlite",
            files={COPY: DataFile(sha256=found.sha256, size=copy.stat().st_size)},
            schema=found.schema,
            tables=found.tables,
            properties={**_sqlite_file.properties(copy), **owner},
        )

    def verify(self, directory: Path, part: DatabasePart) -> None:
        """Check a captured copy where it lies, in full.

        :raises RollbackError: when it is damaged or is not what the part says.
        """
        copy = directory / COPY
        sha256 = _captured(copy, part)
        # It may have lain there for long: a first pass raises what the disk has against it.
        found = _files.digest(copy)
        if found != sha256:
            raise _sqlite_check.damaged(copy)
        _sqlite_check.verify(copy, part, sha256, self.description.schema_version, lambda: found)

    def stage(self, directory: Path, part: DatabasePart, point: str, progress: Progress) -> str:
        """Copy a captured file beside the live one and check it there; at once where that is done already."""
        staged = self._beside(self.staged_name(point))
        if staged.exists():
            return staged.name
        partial = self._partial(point)
        copy = directory / COPY
        sha256 = _captured(copy, part)
        try:
            _sqlite_swap.remove(partial)
            with copy.open("rb") as captured:
                summed = _sqlite_file.copy_and_sum(captured, partial, progress)
            # The very file that is to become live, and no other: what is wrong with the captured one is wrong here.
            _sqlite_check.verify(partial, part, sha256, self.description.schema_version, summed)
            _give(partial, part)
            partial.rename(staged)
            _files.sync_directory(staged.parent)
        except OSError as error:
            raise _refused(error, staged.parent, part.size) from error
        finally:
            if partial.exists():
                partial.unlink()
        return staged.name

    def gather_statistics(self, staged: str) -> None:
        """Nothing to do: they are a part of the file."""

    def staged_name(self, point: str) -> str:
        """Name the file that :meth:`stage` makes of a restore point."""
        return f"{self._prepared}{_files.sha256(point.encode())[:12]}"

    @property
    def _prepared(self) -> str:
        return f".{self.live.name}.prepared-"

    def _partial(self, point: str) -> Path:
        return self._beside(f"{self.staged_name(point)}{_PARTIAL}")

    def discard_half_made(self, point: str) -> None:
        """Remove what a killed :meth:`stage` left of a restore point; what is whole stays."""
        _sqlite_swap.remove(self._partial(point))

    def half_made(self) -> Sequence[str]:
        """Name what killed restores left."""
        pattern = re.compile(f"{re.escape(self._prepared)}[0-9a-f]{{12}}{re.escape(_PARTIAL)}")
        return sorted(path.name for path in self.live.parent.iterdir() if pattern.fullmatch(path.name))

    def discard(self, staged: str) -> None:
        """Remove a staged, half-made or displaced file; none is no error."""
        _sqlite_swap.remove(self._beside(staged))

    def displaced(self) -> Sequence[Displaced]:
        """Every file that a run put aside, oldest first."""
        return _sqlite_swap.displaced(self.live)

    def loss(self, staged: str) -> Sequence[TableLoss]:
        """Compare the live database with a staged one, row by row."""
        return _sqlite_loss.compare(self.live, self._beside(staged))

    def settle(self) -> None:
        """Nothing to do: the log is short as long as the application writes it back."""

    def keep_out(self) -> None:
        """Check that nobody has the file open: SQLite has no server that could refuse or end connections.

        :raises RollbackError: naming who has.
        """
        if found := _sqlite_place.holders(self.live):
            raise RollbackError(
                f"{self.live} is open in {', '.join(found)}",
                "Stop it, or name its service among the database's writers; nothing was moved.",
            )

    def let_in(self) -> None:
        """Nothing was locked."""

    def execute(self, script: str, timeout: int) -> None:
        """Run an SQL script on the live database in one transaction."""
        _sqlite_script.execute(self.live, script, timeout)

    def _beside(self, name: str) -> Path:
        return self.live.with_name(name)


def given(params: Mapping[str, Any]) -> SqliteDatabase:
    """Return the database that a module was given."""
    # The SDK takes a quarter of a second to import, which a file on the host needs not wait for.
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

    values = {"path": params["path"], "service": params["service"]}
    description = _databases.parse_sqlite(
        {"name": None, "schema_version": None, "writers": None, **values}, "the module"
    )
    return SqliteDatabase(description, Engine() if description.service else None, params["project"] or "")


def swap(swaps: Sequence[Swap]) -> None:
    """Exchange live and staged databases whose writers are stopped; one that its run exchanged already is left alone.

    :raises RollbackError: before anything is moved, where a file is still open or cannot be made live.
    """
    files = [(cast(SqliteDatabase, entry.database), entry) for entry in swaps]
    for database, entry in files:
        if not _sqlite_swap.done(database.live, entry.run):
            database.keep_out()
            _sqlite_swap.check(database.live, database.live.with_name(entry.staged), entry.run)
    for database, entry in files:
        _sqlite_swap.exchange(database.live, database.live.with_name(entry.staged), entry.run)


def _captured(copy: Path, part: DatabasePart) -> str:
    """Return what a captured copy's SHA-256 must be."""
    wanted = part.files.get(COPY)
    if wanted is None or not copy.is_file():
        raise _sqlite_check.damaged(copy)
    return wanted.sha256


def _give(path: Path, part: DatabasePart) -> None:
    """Make a file the application's own, as it had it, and durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        owner = part.properties["uid"], part.properties["gid"]
        if owner != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, part.properties["mode"])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(error: OSError, directory: Path, size: int) -> RollbackError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RollbackError(
            f"no room for {size} bytes in {directory}: {error.strerror}",
            "A database is restored beside the live one; free space there. Nothing was changed.",
        )
    return RollbackError(
        f"cannot restore a database beside the live one in {directory}: {error.strerror}",
        "The folder must be writable for the user this runs as (become: true). Nothing was changed.",
    )
