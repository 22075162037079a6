# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a stack's databases are, and where a staging copy has its own of them (pure).

A copy has the server of a PostgreSQL database only where that is a service of the stack's own project. Any other one a
copy could only reach, never have, so it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _staging_project
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Postgres, Sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_OUTSIDE = (
    "Drills need its server to be a service of the stack's own Compose project, named by its container or by a port "
    "that it publishes on this host. Rehearse elsewhere, on a host that is a copy of this one. Nothing was made."
)
_OF_ANY = ("writers", "schema_version")
#: Passwords are those that the copy's server makes of the configuration that was captured.
_OF_POSTGRES = ("database", "user", "password", "passfile", "maintenance_database", "format", "jobs")


def servers(
    databases: Iterable[Postgres],
    definition: Mapping[str, Any],
    containers: Iterable[Container],
    without: Collection[str],
    name: str,
    ports: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Return, by database, the ``service`` of its server, and ``container``, ``host`` and ``port`` of the copy's own.

    :param definition: the project as it was captured.
    :param containers: those of the project, as they are now.
    :param without: services that are left out.
    :param name: of the staging copy.
    :param ports: the copy's by those of production, both as ``tcp/8000``.
    :raises RollbackError: when a database is not in the project, or its server is left out.
    """
    known = {key: each.service for each in containers for key in (each.id, each.name)}
    found = {}
    for database in databases:
        service = _server(database, definition, known)
        if service in without:
            raise _left_out(service, f"PostgreSQL database {database.name}")
        fixed = definition["services"][service].get("container_name")
        published = ports[f"tcp/{database.port}"].partition("/")[2] if database.host else None
        found[database.name] = {
            "service": service,
            "container": _staging_project.container(name, str(fixed)) if fixed else f"{name}-{service}-1",
            # Asked in the way that is known to lead to a container on this host.
            "host": _drill.OWN_HOST if published else None,
            "port": int(published) if published else database.port,
        }
    return found


def _server(database: Postgres, definition: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """Return the service that a database's server is."""
    service = None
    if database.container:
        service = known.get(database.container)
        if service not in definition["services"]:
            raise _outside(database, f"in container {database.container}, which is not one of the stack's project")
    if not database.host:
        if service is None:
            raise _outside(database, "known by libpq's service file alone")
        return service
    where = f"at {database.host}:{database.port}"
    publishing = [
        str(key)
        for key, entry in definition["services"].items()
        for port in entry.get("ports") or ()
        if f"{port.get('protocol') or 'tcp'}/{port.get('published')}" == f"tcp/{database.port}"
    ]
    if database.host not in _drill.LOOPBACK or not publishing:
        raise _outside(database, f"{where}, which is no port that the stack's project publishes on this host")
    if service not in (None, publishing[0]):
        raise _outside(database, f"{where}, which is not a port of container {database.container}")
    return publishing[0]


def refuse_left_out(databases: Iterable[Sqlite], without: Collection[str]) -> None:
    """Refuse SQLite databases whose service is left out."""
    for database in databases:
        if database.service is not None and database.service in without:
            raise _left_out(database.service, f"SQLite database {database.path}")


def _outside(database: Postgres, where: str) -> RollbackError:
    told = f"PostgreSQL database {database.name} is {where}: a staging copy cannot have one of its own"
    return RollbackError(told, _OUTSIDE)


def _left_out(service: str, what: str) -> RollbackError:
    return RollbackError(f"service {service} is left out, and holds {what}", "Leave it in. Nothing was made.")


def addresses(databases: Iterable[Postgres], places: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what tells the copy's own databases from any other.

    :param places: what :func:`servers` returned.
    """
    found = [(database.database, places[database.name]) for database in databases]
    return [each for name, at in found for each in _drill.addresses(at["container"], at["host"], at["port"], name)]


def postgres(raw: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the copy's own of a PostgreSQL database.

    :param raw: the stack's, as the inventory has it.
    """
    name = raw.get("name") or raw["database"]
    at = {key: value for key, value in plan["postgres"][name].items() if key != "service" and value is not None}
    return {**{key: raw[key] for key in (*_OF_ANY, *_OF_POSTGRES) if raw.get(key) is not None}, "name": name, **at}


def sqlite(raw: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the copy's own of an SQLite database."""
    name = raw.get("name") or raw["path"].rpartition("/")[2]
    kept = {key: raw[key] for key in _OF_ANY if raw.get(key) is not None}
    if raw.get("service"):
        return {**kept, "name": name, "path": raw["path"], "service": raw["service"]}
    return {**kept, "name": name, "path": plan["sqlite"][name]}
