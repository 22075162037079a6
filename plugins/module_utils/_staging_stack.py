# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a staging copy, made from that of its stack (pure).

What would speak to anybody but the copy is left out: other hosts that checks ask, commands that tell a proxy, APIs of
flags and snapshots, repositories and registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _staging_databases, _staging_project

#: The one file of its project.
COMPOSE_FILE = "compose.yml"
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Of a service: what concerns its containers alone.
_OF_A_SERVICE = ("cutover", "drain_timeout", "settle")
_OF_THE_STACK = ("stop_timeout", "health_timeout")


def describe(raw: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``rollback_stack`` of the staging copy.

    :param raw: that of the stack, as it was validated or as the inventory has it.
    :param plan: what the drill's plan says of the copy.
    """
    kept = set(plan["services"])
    return {
        "name": plan["name"],
        "project_src": plan["project_src"],
        "project_name": plan["name"],
        "files": [COMPOSE_FILE],
        "config": [COMPOSE_FILE],
        "image_source": "retag",
        "services": {
            name: _service(entry or {}, plan) for name, entry in (raw.get("services") or {}).items() if name in kept
        },
        "postgres": [_staging_databases.postgres(entry, plan) for entry in raw.get("postgres") or ()],
        "sqlite": [_staging_databases.sqlite(entry, plan) for entry in raw.get("sqlite") or ()],
        **{key: raw[key] for key in _OF_THE_STACK if raw.get(key) is not None},
    }


def unasked(raw: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """Return the URLs of checks that the copy cannot be asked by, since they lead elsewhere."""
    checks = [
        check
        for name, entry in (raw.get("services") or {}).items()
        if name in plan["services"]
        for check in (entry or {}).get("checks") or ()
    ]
    return sorted({check["url"] for check in checks if moved_url(check["url"], plan["ports"]) is None})


def moved_url(url: str, ports: Mapping[str, str]) -> str | None:
    """Return the URL at which the copy answers; None where it does not lead to a port of the copied stack."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    own = ports.get(f"tcp/{port}")
    if parts.hostname not in _drill.LOOPBACK or own is None:
        return None
    return urlunsplit(parts._replace(netloc=f"{_drill.OWN_HOST}:{own.partition('/')[2]}"))


def _service(raw: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    checks = []
    for check in raw.get("checks") or ():
        url = moved_url(check["url"], plan["ports"])
        if url is not None:
            checks.append({**check, "url": url})
    return {**{key: raw[key] for key in _OF_A_SERVICE if raw.get(key) is not None}, "checks": checks}


def images(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the id of each service's image by the name that the copy has for it."""
    return {_staging_project.image(plan["name"], name): found for name, found in plan["images"].items()}


def root(state: str, name: str) -> str:
    """Return the directory of a staging copy, below the state of the stack that is copied."""
    return f"{state}/{_drill.DIRECTORY}/{name}"
