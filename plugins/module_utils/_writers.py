# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services write to a database, and so are stopped while it is exchanged (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Postgres, Sqlite

Services = Mapping[str, Mapping[str, Any]]


def of_postgres(
    database: Postgres, definition: Mapping[str, Any], containers: Sequence[Container]
) -> tuple[str, ...] | None:
    """Return the services that depend on the server's own, or None where the project does not tell.

    A writer that is missed loses no row: nobody is let in during the exchange, and it connects again afterwards.
    """
    if database.writers is not None:
        return database.writers
    services: Services = definition.get("services", {})
    servers = {c.service for c in containers if database.container in (c.name, c.id)}
    found = [name for name, entry in services.items() if servers & set(entry.get("depends_on") or ())]
    return tuple(sorted(found)) or None


def of_sqlite(database: Sqlite, definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every service that mounts what the file lies in."""
    if database.writers is not None:
        return database.writers
    services: Services = definition.get("services", {})
    if database.service is None:
        sources = {source for entry in services.values() for source, _target in _mounts(entry, "bind")}
        held = {source for source in sources if PurePosixPath(database.path).is_relative_to(source)}
    else:
        mounts = [mount for kind in ("bind", "volume") for mount in _mounts(services.get(database.service, {}), kind)]
        held = {source for source, target in mounts if PurePosixPath(database.path).is_relative_to(target)}
    return tuple(
        sorted(
            name
            for name, entry in services.items()
            if any(source in held for kind in ("bind", "volume") for source, _target in _mounts(entry, kind))
        )
    )


def _mounts(service: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Return source and target of a service's mounts of one kind."""
    volumes = [mount for mount in service.get("volumes") or () if mount.get("type") == kind]
    return [(mount["source"], mount["target"]) for mount in volumes if mount.get("source")]
