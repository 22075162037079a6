# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A consistent copy of a live database: the dump, and what it is checked against after it was restored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_catalog as catalog
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Progress
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart, DataFile
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import Server, conninfo, usable_jobs
from ansible_collections.tiered.rollback.plugins.module_utils._pg_tools import Tools

DUMP = "dump"
CATALOG = "catalog.json"


def capture(server: Server, directory: Path, progress: Progress) -> DatabasePart:
    """Dump the live database; rows, schema and properties are read in the dump's own snapshot, so that all agree."""
    said = server.description
    _require_empty(directory)
    with server.enter(said.database) as session:
        jobs = usable_jobs(session, said.jobs) if said.format == "directory" else 1
        tools = Tools(server, session.version // 10000)
        with session.transaction("ISOLATION LEVEL REPEATABLE READ, READ ONLY"):
            snapshot = session.value("SELECT pg_export_snapshot()")
            names = catalog.tables(session)
            # Some of the catalog's functions see what is committed now, not what the snapshot does.
            catalog.lock(session, names)
            lines = catalog.schema(session)
            properties = catalog.properties(session)
            version = catalog.schema_version(session, said.schema_version, lines)
            rows = catalog.rows(session, names)
            _files.write(directory / CATALOG, _files.dump_json({"schema": lines, "rights": catalog.rights(session)}))
            options = [f"--format={said.format}", f"--snapshot={snapshot}", "--no-password"]
            options += ["--lock-wait-timeout=60s", f"--file={directory / DUMP}", f"--dbname={conninfo(said.database)}"]
            if said.format == "directory":
                options.append(f"--jobs={jobs}")

            def watch(_line: str | None) -> None:
                progress(min(_written(directory), properties["size"]), properties["size"], "bytes")

            # pg_dump syncs what it wrote before it ends.
            tools.run("pg_dump", options, directory, watch)
    files = _sealed(directory)
    return DatabasePart(kind="postgres", files=files, schema=version, tables=rows, properties=properties)


def verify(directory: Path, part: DatabasePart) -> Mapping[str, Any]:
    """Compare every file of a copy with its sum; return what the catalog said when it was captured.

    :raises RollbackError: naming the file that is missing or is not what it was.
    """
    if part.kind != "postgres" or DUMP not in {Path(path).parts[0] for path in part.files} or CATALOG not in part.files:
        raise RollbackError("this is no copy of a PostgreSQL database", "Choose another restore point.")
    for path, file in part.files.items():
        found = directory / path
        if not found.is_file():
            raise RollbackError(f"{path} of the database's copy is missing", "Choose another restore point.")
        if found.stat().st_size != file.size or _files.digest(found) != file.sha256:
            raise RollbackError(f"{path} of the database's copy is damaged", "Choose another restore point.")
    return _files.load_json((directory / CATALOG).read_bytes(), CATALOG)


def _require_empty(directory: Path) -> None:
    if any(directory.iterdir()):
        raise RollbackError(f"{directory} is not empty", "Capture into a new directory.")


def _written(directory: Path) -> int:
    # pg_dump renames nothing, but a file can go between the listing and the look at it.
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _sealed(directory: Path) -> dict[str, DataFile]:
    files = {}
    for path in sorted(directory.rglob("*")):
        path.chmod(_files.PRIVATE_DIRECTORY if path.is_dir() else _files.PRIVATE_FILE)
        if path.is_file():
            name = str(path.relative_to(directory))
            files[name] = DataFile(sha256=_files.digest(path), size=path.stat().st_size)
    _files.sync_directory(directory)
    return files
