# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A captured copy restored beside the live database, checked, and closed until it is swapped in."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _pg_capture
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_catalog as catalog
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_names as names
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Progress
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import Mark, identifier
from ansible_collections.tiered.rollback.plugins.module_utils._pg_server import (
    Server,
    Session,
    allow,
    conninfo,
    terminate,
    usable_jobs,
)
from ansible_collections.tiered.rollback.plugins.module_utils._pg_tools import Tools
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC

#: Write-ahead log and indexes come on top of what the live database held.
_ROOM = 1.2
_TABLE = re.compile(r"processing data for table")
_SHOWN = 3
#: Nobody relies on a database that is not marked as whole, and that mark's own commit makes all before it durable.
_UNSYNCED = "-c synchronous_commit=off"


def stage(server: Server, directory: Path, part: DatabasePart, point: str, progress: Progress) -> str:
    """Restore a copy into a database of its own, check it and close it; at once where that is done already."""
    database = server.description.database
    name = names.prepared(database, point)
    with server.maintenance() as session:
        if is_prepared(session, name):
            allow(session, name, False)
            return name
        # What a killed run left half made.
        drop(session, name)
        recorded = preflight(server, session, directory, part)
        jobs = usable_jobs(session, server.description.jobs)
        tools = Tools(server, session.version // 10000, _UNSYNCED)
        try:
            _create(session, name, server.description.database, point, part.properties)
            options = [f"--jobs={jobs}"]
            restore(tools, name, directory, part, options, progress)
            with server.connect(name) as restored:
                check(restored, part, recorded)
            _finish(session, name, database, point, part.properties)
        except BaseException:
            # The reason matters more than what is left; the next run drops that.
            with contextlib.suppress(RollbackError):
                drop(session, name)
            raise
    return name


def analyze(session: Session) -> None:
    """Gather the planner's statistics where they were never gathered."""
    never = (
        "SELECT 1 FROM pg_stat_user_tables WHERE last_analyze IS NULL AND last_autoanalyze IS NULL"
        " AND n_live_tup + n_mod_since_analyze > 0 LIMIT 1"
    )
    if session.rows(never):
        session.run("ANALYZE")


def is_prepared(session: Session, name: str) -> bool:
    """Whether a database was restored to the end and passed its check."""
    mark = names.mark(catalog.comment(session, name))
    return mark is not None and mark.role == names.PREPARED


def drop(session: Session, name: str) -> None:
    """Remove a database and end its sessions; none is no error."""
    session.run(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


def preflight(
    server: Server, session: Session, directory: Path, part: DatabasePart, *, aside: bool = True
) -> Mapping[str, Any]:
    """Find what would make the restore fail before it begins; return the catalog as it was captured."""
    recorded = _pg_capture.verify(directory, part)
    wanted, database = part.properties, server.description.database
    if wanted["database"] != database:
        raise RollbackError(f"this is a copy of database {wanted['database']}, not of {database}", "Choose another.")
    available = {
        "roles": "SELECT rolname::text FROM pg_roles",
        "extensions": "SELECT name::text FROM pg_available_extensions",
        "tablespaces": "SELECT spcname::text FROM pg_tablespace",
    }
    for kind, query in available.items():
        missing = sorted(set(wanted["needs"][kind]) - set(session.column(query)))
        if missing:
            hint = "Install them on the server." if kind == "extensions" else "Create them on the server."
            raise RollbackError(f"the server lacks {kind} that the copy needs: {', '.join(missing)}", hint)
    if aside:
        _require_rights(session, database)
        _require_room(server, session, wanted)
    return recorded


def restore(
    tools: Tools, database: str, directory: Path, part: DatabasePart, options: Sequence[str], progress: Progress
) -> None:
    """Run pg_restore on a copy."""
    done, total = 0, max(1, len(part.tables))

    def watch(line: str | None) -> None:
        nonlocal done
        done += bool(line and _TABLE.search(line))
        progress(min(done, total), total, "tables")

    fixed = ["--exit-on-error", "--no-password", "--verbose", f"--dbname={conninfo(database)}"]
    # A parallel restore cannot read standard input, so the archive is named.
    tools.run("pg_restore", [*options, *fixed, str(directory / _pg_capture.DUMP)], directory, watch)


def check(session: Session, part: DatabasePart, recorded: Mapping[str, Any], *, more: bool = False) -> list[str]:
    """Compare a restored database with what was captured.

    :param more: whether objects and rights that the copy does not know may be there as well.
    :returns: these.
    :raises RollbackError: naming the first differences.
    """
    problems, beyond = [], []
    for now, wanted in (
        (catalog.schema(session), recorded["schema"]),
        (catalog.rights(session), recorded["rights"]),
    ):
        problems += [f"lacks {_short(line)}" for line in sorted(set(wanted) - set(now))]
        beyond += [_short(line) for line in sorted(set(now) - set(wanted))]
    if not more:
        problems += [f"has beyond it {line}" for line in beyond]
    present = catalog.tables(session)
    rows = catalog.rows(session, [table for table in part.tables if table in set(present)])
    problems += [
        f"has {rows[table]} rows in {table} instead of {count}"
        for table, count in part.tables.items()
        if table in rows and rows[table] != count
    ]
    problems += [f"has the invalid index {index}" for index in catalog.invalid_indexes(session)]
    problems += _sequences(catalog.sequences(session), part.properties["sequences"])
    if problems:
        told = "; ".join(problems[:_SHOWN]) + ("; ..." if len(problems) > _SHOWN else "")
        raise RollbackError(f"the restored database is not what was captured: it {told}", "Choose another point.")
    return beyond


def _sequences(now: Mapping[str, Sequence[Any]], recorded: Mapping[str, Sequence[Any]]) -> list[str]:
    # Sequences stand outside of snapshots: the dump may hold a value given out a moment after it was recorded.
    return [
        f"has sequence {name} at {now[name][0]} instead of {value}"
        for name, (value, _called) in recorded.items()
        if name in now and abs(now[name][0]) < abs(value)
    ]


def _create(session: Session, name: str, database: str, point: str, wanted: Mapping[str, Any]) -> None:
    options = [
        "TEMPLATE template0",
        f"OWNER {identifier(wanted['owner'])}",
    ]
    # Named, even the default one needs a right that nobody but a superuser has.
    if wanted["tablespace"] != "pg_default":
        options.append(f"TABLESPACE {identifier(wanted['tablespace'])}")
    values: list[Any] = []
    clauses = [("ENCODING", "encoding"), ("LC_COLLATE", "collate"), ("LC_CTYPE", "ctype")]
    provider = {"c": "libc", "i": "icu", "b": "builtin"}[wanted["locale_provider"]]
    if provider != "libc":
        options.append(f"LOCALE_PROVIDER {provider}")
        clauses.append((f"{provider}_LOCALE".upper(), "locale"))
    if wanted["icu_rules"]:
        clauses.append(("ICU_RULES", "icu_rules"))
    for clause, key in clauses:
        options.append(f"{clause} %s")
        values.append(wanted[key])
    session.run(f"CREATE DATABASE {_escaped(identifier(name))} {_escaped_options(options)}", *values)
    _comment(session, name, Mark(role=names.PREPARING, of=database, source=point, at=_now()).text())
    for role, setting, value in wanted["settings"]:
        whom = (
            f"ALTER ROLE {identifier(role)} IN DATABASE {identifier(name)}"
            if role
            else f"ALTER DATABASE {identifier(name)}"
        )
        literals = names.setting_values(setting, value)
        # A custom setting's name has a dot, and each part is a name of its own.
        target = names.identifier(*setting.split("."))
        session.run(f"{_escaped(whom)} SET {_escaped(target)} = {', '.join(['%s'] * len(literals))}", *literals)
    for statement in catalog.grant_statements(name, wanted["grants"], wanted["owner"]):
        session.run(statement)


def _finish(session: Session, name: str, database: str, point: str, wanted: Mapping[str, Any]) -> None:
    """Close it and say that it is whole, in one step: what says so was not touched since its check."""
    mark = Mark(role=names.PREPARED, of=database, source=point, at=_now(), comment=wanted["comment"])
    with session.transaction():
        allow(session, name, False)
        session.run(f"ALTER DATABASE {identifier(name)} CONNECTION LIMIT {int(wanted['connection_limit'])}")
        _comment(session, name, mark.text())
    terminate(session, name)


def _comment(session: Session, name: str, text: str | None) -> None:
    session.run(f"COMMENT ON DATABASE {_escaped(identifier(name))} IS %s", text)


def _escaped(text: str) -> str:
    # psycopg2 reads a per cent sign as a place for a value.
    return text.replace("%", "%%")


def _escaped_options(options: Sequence[str]) -> str:
    return " ".join(option if option.endswith(" %s") else _escaped(option) for option in options)


def _short(line: str) -> str:
    return " ".join(line.split())[:150]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _require_rights(session: Session, database: str) -> None:
    """Name what the user has to be allowed and is not: to make a database, rename this one and end its sessions."""
    query = (
        "SELECT r.rolname::text, d.owner, r.rolcreatedb, pg_has_role(d.datdba, 'USAGE'),"
        " pg_has_role('pg_signal_backend', 'USAGE') OR NOT EXISTS (SELECT FROM pg_stat_activity a"
        " WHERE a.datid = d.oid AND a.usesysid IS NOT NULL AND NOT pg_has_role(a.usesysid, 'USAGE'))"
        " FROM pg_roles r, (SELECT oid, datdba, pg_get_userbyid(datdba)::text AS owner FROM pg_database"
        " WHERE datname = %s) d WHERE r.rolname = current_user AND NOT r.rolsuper"
    )
    for user, owner, creates, owns, signals in session.rows(query, database):
        rights = {
            f"CREATEDB (ALTER ROLE {identifier(user)} CREATEDB)": creates,
            f"membership of {owner}, the owner of {database}": owns,
            "membership of pg_signal_backend, to end the sessions of others": signals,
        }
        if lacking := [right for right, has in rights.items() if not has]:
            raise RollbackError(
                f"the user {user} lacks {'; '.join(lacking)}", "Grant it; a superuser is not needed. Nothing was made."
            )


def _require_room(server: Server, session: Session, wanted: Mapping[str, Any]) -> None:
    """Compare the room on the server's file system with what the database took, where it is on this machine."""
    path = _data_directory(server, session, wanted["tablespace"])
    if path is None:
        return
    found = os.statvfs(path)
    free, needed = found.f_bavail * found.f_frsize, int(wanted["size"] * _ROOM)
    if free < needed:
        raise RollbackError(
            f"no room to restore aside: {needed} bytes are needed and {free} are free on the server's file system",
            "Free space there, or remove what earlier runs put aside: cleanup.yml -e days=N.",
        )


def _data_directory(server: Server, session: Session, tablespace: str) -> Path | None:
    try:
        directory = session.value(
            "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = %s", tablespace
        )
        directory = directory or session.value("SELECT current_setting('data_directory')")
    except RollbackError:
        # Only superusers and pg_read_all_settings may know; then the server's own error is what tells.
        return None
    container = server.container()
    local = server.description.host in ("localhost", "127.0.0.1", "::1") or (server.description.host or "").startswith(
        "/"
    )
    if container is None and not local:
        return None
    root = Path(f"/proc/{container.pid}/root") if container else Path("/")
    path = root / str(directory).lstrip("/")
    try:
        return path if path.exists() else None
    except PermissionError:
        return None
