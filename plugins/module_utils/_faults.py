# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults a drill can put a staging copy into, and what each needs (pure)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

CONTAINER_KILL = "container_kill"
PROCESS_KILL = "process_kill"
NETWORK_CUT = "network_cut"
LATENCY = "latency"
DISK_FULL = "disk_full"
BAD_CONFIG = "bad_config"
BAD_MIGRATION = "bad_migration"
BAD_IMAGE = "bad_image"
RANDOM = "random"
#: Faults, each with what it does, told to people.
FAULTS: Mapping[str, str] = {
    CONTAINER_KILL: "a container is killed",
    PROCESS_KILL: "a container's process is killed with signal 9",
    NETWORK_CUT: "a container is cut off from its networks",
    LATENCY: "every packet that a container sends is held back",
    DISK_FULL: "the temporary directory of a container is full",
    BAD_CONFIG: "a release has a configuration with which it cannot start",
    BAD_MIGRATION: "a release brings a migration that ruins a table",
    BAD_IMAGE: "a release has an image that cannot start",
}
#: Those of which nothing is left once a container is made anew, so that images and configuration suffice.
_WITH_DATA = (BAD_MIGRATION,)
#: What fills up: of memory, in the container alone, and small.
FULL_DIRECTORY = "/tmp"
FULL_BYTES = 16 << 20
#: What a release cannot start.
NO_PROGRAM = "/drill/there-is-no-such-program"
RELEASE_LABEL = f"{_drill.LABEL}.release"


@dataclass(frozen=True, kw_only=True)
class Means:
    """What there is to inject faults by.

    :param services: those that run, and may be hit, the ones with checks first.
    :param full: those of them that have nothing of their own at the directory that fills up.
    :param networked: those of them that have networks.
    :param sqlite: SQLite databases of the copy.
    :param root: whether we are root on the engine's own host.
    :param latency: why packets cannot be held back; empty where they can.
    """

    services: Sequence[str]
    full: Sequence[str]
    networked: Sequence[str]
    sqlite: Sequence[str]
    root: bool
    latency: str = ""


def means(
    definition: Mapping[str, Any], jobs: Sequence[str], checked: Sequence[str], sqlite: Sequence[str], **more: Any
) -> Means:
    """Look through a project for what can be hit.

    :param jobs: services that ended well when they were captured, and run no more.
    :param checked: services with checks that the copy can be asked by.
    """
    services = definition["services"]
    running = sorted((name for name in services if name not in jobs), key=lambda name: (name not in checked, name))
    return Means(
        services=running,
        full=[name for name in running if _has_room(services[name])],
        networked=[name for name in running if services[name].get("networks")],
        sqlite=sqlite,
        **more,
    )


def _has_room(entry: Mapping[str, Any]) -> bool:
    tmpfs = entry.get("tmpfs") or ()
    targets = [str(mount.get("target")) for mount in entry.get("volumes") or ()]
    targets += [str(each).partition(":")[0] for each in ([tmpfs] if isinstance(tmpfs, str) else tmpfs)]
    return not any(target == FULL_DIRECTORY or target.startswith(f"{FULL_DIRECTORY}/") for target in targets)


def impossible(fault: str, found: Means, service: str | None = None) -> str:
    """Say why a fault cannot be; empty where it can.

    :param service: the one to be hit; None: any.
    """
    hit = {DISK_FULL: found.full, NETWORK_CUT: found.networked, LATENCY: found.networked}.get(fault, found.services)
    if not hit:
        return "no service of the copy can be hit by it"
    if service is not None and service not in hit:
        return f"service {service} cannot be hit by it; those that can: {', '.join(hit)}"
    if fault == BAD_MIGRATION and not found.sqlite:
        return "rollback_stack describes no SQLite database"
    if fault in (PROCESS_KILL, DISK_FULL, LATENCY) and not found.root:
        return "it needs root (become: true) on the engine's own host"
    return found.latency if fault == LATENCY else ""


def choose(fault: str, seed: int, found: Means, service: str | None = None) -> tuple[str, str]:
    """Return the fault and the service that is hit; the same for the same seed.

    :raises RollbackError: when it cannot be, before anything is made.
    """
    can = [name for name in FAULTS if not impossible(name, found, service)]
    chance = random.Random(seed)
    chosen = chance.choice(can) if fault == RANDOM and can else fault
    why = "nothing can be" if chosen == RANDOM else impossible(chosen, found, service)
    if why:
        raise RollbackError(
            f"fault {chosen} cannot be injected here: {why}",
            f"Those that can: {', '.join(can) or 'none'}. Nothing was made.",
        )
    if service is not None:
        return chosen, service
    hit = {DISK_FULL: found.full, NETWORK_CUT: found.networked, LATENCY: found.networked}.get(chosen, found.services)
    return chosen, chance.choice(list(hit)) if fault == RANDOM else hit[0]


def tier(fault: str, asked: int | None) -> int:
    """Return the tier that is rehearsed.

    :raises RollbackError: when the one that is asked for cannot take the fault away.
    """
    needed = 2 if fault in _WITH_DATA else 1
    if asked is not None and asked < needed:
        raise RollbackError(f"tier {asked} does not take data back, as {fault} needs", f"Use tier {needed}.")
    return asked or needed


def prepared(definition: Mapping[str, Any], fault: str, service: str) -> dict[str, Any]:
    """Return the copy's project with what a fault needs from the beginning."""
    if fault != DISK_FULL:
        return dict(definition)
    entry = definition["services"][service]
    tmpfs = entry.get("tmpfs") or []
    more = [*([tmpfs] if isinstance(tmpfs, str) else tmpfs), f"{FULL_DIRECTORY}:size={FULL_BYTES},mode=1777"]
    return _with(definition, service, {"tmpfs": more})


def released(definition: Mapping[str, Any], fault: str, service: str) -> dict[str, Any]:
    """Return the project of the release that is rolled back from."""
    labels = {**(definition["services"][service].get("labels") or {}), RELEASE_LABEL: fault}
    wrong: dict[str, Any] = {"entrypoint": [NO_PROGRAM]} if fault == BAD_CONFIG else {}
    return _with(definition, service, {"labels": labels, **wrong})


def _with(definition: Mapping[str, Any], service: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    services = definition["services"]
    return {**definition, "services": {**services, service: {**services[service], **changes}}}


def migration(tables: Mapping[str, int]) -> str:
    """Return the SQL of a migration that ruins the largest table, and goes through.

    :param tables: rows by table.
    """
    if not tables:
        raise RollbackError("the database has no table that a migration could ruin", "Choose another fault.")
    largest = max(sorted(tables), key=lambda name: tables[name])
    quoted = '"' + largest.replace('"', '""') + '"'
    return f"DROP TABLE {quoted}; CREATE TABLE drill_migration (applied TEXT);"
