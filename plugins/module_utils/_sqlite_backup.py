# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of one SQLite database without a stack: a directory with the copy and what it holds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _databases, _files, _manifest
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase

#: Options that say which database; documented in the ``sqlite`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "service": {"type": "str"},
    "project": {"type": "str"},
}
TOGETHER = [("service", "project")]
_PART = "backup.json"


def database(ctx: Context) -> SqliteDatabase:
    """Return the database that a module's options name."""
    params = ctx.module.params
    values = {"name": None, "path": params["path"], "service": params["service"], "schema_version": None}
    described = _databases.parse_sqlite({**values, "writers": None}, "the module")
    if described.service is None:
        return SqliteDatabase(described)
    return SqliteDatabase(described, ctx.engine, params["project"])


def read(directory: Path) -> DatabasePart | None:
    """Return what a backup holds, or None where there is none.

    :raises RollbackError: when it does not say so in a way that this code understands.
    """
    data = _files.read(directory / _PART)
    if data is None:
        return None
    try:
        return _manifest.database_part(_files.load_json(data, str(directory / _PART)))
    except (KeyError, TypeError, AttributeError) as error:
        raise RollbackError(f"{directory / _PART} is malformed: {error}", "Choose another backup.") from error


@contextmanager
def captured(source: SqliteDatabase, dest: Path) -> Iterator[tuple[Path, DatabasePart]]:
    """Capture into a temporary directory on *dest*'s file system, which is removed unless it was kept."""
    above = [parent for parent in dest.absolute().parents if parent.is_dir()][0]  # noqa: RUF015  # sanity's pylint
    temporary = Path(tempfile.mkdtemp(prefix=".tiered-rollback-", dir=above))
    try:
        yield temporary, source.capture(temporary, _quiet)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def keep(temporary: Path, part: DatabasePart, dest: Path) -> None:
    """Make a captured copy the backup *dest*, complete or not at all."""
    _files.write(temporary / _PART, _files.dump_json(asdict(part)))
    _files.private_directory(dest.parent)
    temporary.rename(dest)
    _files.sync_directory(dest.parent)


def _quiet(_done: int, _total: int, _unit: str) -> None:
    """A module that nobody watches says nothing."""
