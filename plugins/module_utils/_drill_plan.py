# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is going to do, from a restore point to the fault; looks, and makes nothing."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _choice,
    _data_gate,
    _drill,
    _equal,
    _faults,
    _names,
    _outcome,
    _pull,
    _staging_databases,
    _staging_project,
    _staging_stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._drill import Footprint
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe
from ansible_collections.tiered.rollback.plugins.module_utils._staging_project import Layout

#: Options of the modules that plan a drill; documented in the ``drill`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {
    "version": {"type": "str"},
    "fault": {"type": "str", "choices": [*_faults.FAULTS, _faults.RANDOM], "default": _faults.CONTAINER_KILL},
    "seed": {"type": "int", "default": 0},
    "service": {"type": "str"},
    "tier": {"type": "int", "choices": [1, 2]},
    "without": {"type": "list", "elements": "str", "default": []},
    "copy_limit": {"type": "int", "default": 1024},
}
_CAPTURE = "Capture one while the stack is well: restore-point.yml -e version=... Nothing was made."


@dataclass(frozen=True, kw_only=True)
class Drill:
    """A drill that is possible.

    :param plan: what it does, as JSON types and without any secret.
    :param project: the staging copy's Compose project, with what the fault needs from the beginning.
    :param point: the restore point that the copy is made from.
    """

    plan: dict[str, Any]
    project: dict[str, Any]
    point: RestorePoint


def make(ctx: Context, asked: Mapping[str, Any], latency: str) -> Drill:
    """Plan a drill.

    :param asked: ``version``, ``fault``, ``seed``, ``service``, ``tier``, ``without``, ``copy_limit`` and, once they
        are chosen, ``ports``.
    :param latency: why packets cannot be held back here; empty where they can.
    :raises RollbackError: when there is no proven restore point, the copy could reach production, or the fault cannot
        be injected.
    """
    if ctx.stack.name.startswith(_drill.PREFIX):
        raise RollbackError(f"{ctx.stack.name} is named as staging copies are", "Call the stack something else.")
    point, later = _points(ctx, asked.get("version"))
    definition = ctx.store.definition(point)
    without = {*asked["without"], *(set(definition["services"]) - set(point.services))}
    _staging_databases.refuse_left_out(ctx.stack.sqlite, without)
    if ctx.stack.database_names or point.databases:
        _data_gate.refuse_mismatch(point, ctx.stack.database_names)
    _staging_project.refuse_unsafe(definition, without)
    layout, plan = _lay_out(ctx, asked, point, definition, without)
    project = _staging_project.rewrite(definition, layout)
    plan |= _fault(ctx, asked, project, plan, latency)
    plan |= _from(ctx, plan, later)
    project = _faults.prepared(project, plan["fault"], plan["service"])
    databases = _staging_databases.addresses(ctx.stack.postgres, plan["postgres"])
    staging = _drill.footprint(project, [plan["root"]], databases, read_only=True)
    _drill.prove_apart(_production(ctx, definition), staging, plan["name"], plan["root"])
    return Drill(plan=plan, project=project, point=point)


def _lay_out(
    ctx: Context,
    asked: Mapping[str, Any],
    point: RestorePoint,
    definition: Mapping[str, Any],
    without: Collection[str],
) -> tuple[Layout, dict[str, Any]]:
    """Say where the copy is made and under which names, and begin the plan with it."""
    name = _drill.prefix(ctx.stack.name, ctx.run.id)
    root = _staging_stack.root(os.path.realpath(ctx.state), name)
    real = {path: os.path.realpath(path) for path in _staging_project.sources(definition, without)}
    paths = _drill.places(real.values(), f"{root}/tree")
    ports = dict(asked.get("ports") or {}) or _free_ports(_staging_project.published(definition, without))
    services = sorted(_staging_project.services(definition, without))
    # Production's containers are only looked at.
    there = ctx.engine.containers(point.project) if ctx.stack.postgres else []
    plan: dict[str, Any] = {
        "name": name,
        "stack": ctx.stack.name,
        "root": root,
        "project_src": f"{root}/project",
        "state_dir": f"{root}/state",
        "point": point.id,
        "version": point.version,
        "services": services,
        "without": sorted(without),
        "jobs": [each for each in services if point.services[each].replicas == 0],
        "images": {each: point.services[each].image_id for each in services},
        "ports": ports,
        "paths": paths,
        "postgres": _staging_databases.servers(ctx.stack.postgres, definition, there, without, name, ports),
        "sqlite": _sqlite(ctx, paths),
        "tables": {key: dict(part.tables) for key, part in point.databases.items()},
        "size": _size(_drill.roots(real.values()), asked["copy_limit"]),
    }
    plan["unasked"] = _staging_stack.unasked(ctx.module.params["stack"], plan)
    return Layout(name=name, stack=ctx.stack.name, ports=ports, paths=paths, real=real, without=without), plan


def _points(ctx: Context, version: str | None) -> tuple[RestorePoint, list[RestorePoint]]:
    """Return the point to copy, whole and with its images at hand, and the points that were deployed after it."""
    points = list(ctx.store.points())
    if version:
        now = observe(ctx.stack, ctx.engine, ctx.compose)
        current = {each.id for each in _equal.points(ctx.stack, ctx.store, now, points)}
        point = _choice.chosen(ctx.store, _names.version(version), points, current)
    else:
        proven = [each for each in points if each.kind == "deploy" and each.healthy and ctx.store.proven(each.id)]
        if not proven:
            raise RollbackError("there is no proven restore point to make a staging copy from", _CAPTURE)
        point = proven[-1]
    ctx.store.verify(point)
    if missing := _pull.missing(ctx.engine, point.services):
        raise RollbackError(
            f"the images of {', '.join(sorted(missing))} of {point.id} are not on this host",
            "Pull or load them, or name another version. Nothing was made.",
        )
    return point, [each for each in points if each.kind == "deploy" and each.created > point.created]


def _from(ctx: Context, plan: Mapping[str, Any], later: Iterable[RestorePoint]) -> dict[str, Any]:
    """Return the version that the copy is taken back from: the one deployed next, else the same once more.

    Another version may bring its own schema, which a tier that leaves data alone does not cross.
    """
    data = bool(ctx.stack.database_names)
    for point in later:
        images = {name: part.image_id for name, part in point.services.items() if name in plan["services"]}
        whole = set(images) == set(plan["services"]) and not _pull.missing(ctx.engine, point.services)
        if whole and point.version != plan["version"] and not (data and plan["tier"] == 1):
            return {"from_version": point.version, "from_images": images}
    return {"from_version": plan["version"], "from_images": dict(plan["images"])}


def _fault(
    ctx: Context, asked: Mapping[str, Any], project: Mapping[str, Any], plan: Mapping[str, Any], latency: str
) -> dict[str, Any]:
    checked = [
        name
        for name, service in ctx.stack.services.items()
        if any(_staging_stack.moved_url(check.url, plan["ports"]) for check in service.checks)
    ]
    local = os.environ.get("DOCKER_HOST", "unix:").startswith("unix:")
    found = _faults.means(
        project,
        plan["jobs"],
        checked,
        databases=ctx.stack.database_names,
        servers={each["service"] for each in plan["postgres"].values()},
        root=os.geteuid() == 0 and local,
        latency=latency,
    )
    fault, service = _faults.choose(asked["fault"], asked["seed"], found, asked.get("service"), asked.get("tier"))
    tier = _faults.tier(fault, asked.get("tier"))
    if tier > 1 and not ctx.stack.database_names:
        raise RollbackError("tier 2 is about databases, and rollback_stack describes none", "Rehearse tier 1.")
    return {
        "fault": fault,
        "does": _faults.FAULTS[fault],
        "service": service,
        "seed": asked["seed"],
        "tier": tier,
        "budget": _outcome.BUDGETS[tier],
        "schema_compatible": _faults.hides_schema(found, service, tier),
    }


def _production(ctx: Context, captured: Mapping[str, Any]) -> Footprint:
    """Return what the stack has to itself, as it was captured and as its files say now."""
    files = [
        path for database in ctx.stack.sqlite if not database.service for path in [os.path.realpath(database.path)]
    ]
    paths = [os.path.realpath(ctx.stack.project_src), ctx.stack.project_src, os.path.realpath(ctx.store.root), *files]
    databases = [
        address
        for each in ctx.stack.postgres
        for address in _drill.addresses(each.container, each.host, each.port, each.database)
    ]
    footprints = []
    for definition in (captured, ctx.compose.render()):
        found = _drill.footprint(definition, paths, databases)
        linked = {os.path.realpath(path) for path in found.paths}
        footprints.append(_drill.union(found, Footprint(paths=frozenset(linked))))
    return _drill.union(*footprints)


def _sqlite(ctx: Context, paths: Mapping[str, str]) -> dict[str, str]:
    """Return where the copies of SQLite databases lie that are described by their path on the host."""
    found = {}
    for database in ctx.stack.sqlite:
        if database.service is None:
            place = _drill.moved(os.path.realpath(database.path), paths)
            if place is None:
                raise RollbackError(
                    f"no service mounts {database.path}, so the staging copy cannot have one of its own",
                    "Describe the SQLite database by the service that uses it. Nothing was made.",
                )
            found[database.name] = place
    return found


def _free_ports(published: Iterable[str]) -> dict[str, str]:
    """Choose ports that nobody listens on, all different."""
    kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
    wanted = list(published)
    probes = [socket.socket(socket.AF_INET, kinds.get(port.partition("/")[0], socket.SOCK_STREAM)) for port in wanted]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {
            port: f"{port.partition('/')[0]}/{probe.getsockname()[1]}"
            for port, probe in zip(wanted, probes, strict=True)
        }
    finally:
        for probe in probes:
            probe.close()


def _size(sources: Iterable[str], limit: int) -> int:
    """Return the bytes that are going to be copied.

    :param limit: MiB that they may be.
    """
    total = 0
    for source in sources:
        for path in _files_of(Path(source)):
            total += path.lstat().st_size
            if total > limit << 20:
                raise RollbackError(
                    f"what the stack's services mount from this host is more than {limit} MiB ({source})",
                    "Raise drill_copy_limit (MiB), or leave out who mounts it: -e without=NAME.",
                )
    return total


def _files_of(source: Path) -> Iterable[Path]:
    if not source.is_dir():
        return [source] if source.exists() else []
    return (top / name for top, _folders, names, _left in walk(source) for name in names)


def walk(source: Path) -> Iterator[tuple[Path, list[str], list[str], list[str]]]:
    """Go through a folder as it is copied: without a PostgreSQL server's own, which begins anew as a volume does.

    What a server that runs has on its disk is no copy of its databases.

    :returns: each folder, its folders and other entries by name, and the paths in it that are left out.
    """
    for top, folders, names in os.walk(source):
        here = Path(top)
        left_out = [str(here / name) for name in folders if _of_a_server(here / name)]
        if _of_a_server(here):
            # What is mounted itself has to be there.
            left_out, folders[:], names[:] = [str(here)], [], []
        folders[:] = [name for name in folders if str(here / name) not in left_out]
        yield here, folders, names, left_out


def _of_a_server(directory: Path) -> bool:
    return (directory / "global/pg_control").exists()


def room(plan: Mapping[str, Any], databases: int) -> None:
    """Refuse a copy that would fill production's disk.

    :param databases: bytes of the copies of databases.
    """
    state = Path(plan["root"]).parent.parent
    needed = 2 * (plan["size"] + databases)
    if shutil.disk_usage(state).free < needed + (256 << 20):
        raise RollbackError(f"no room for a staging copy in {state}: it needs {needed} bytes", "Nothing was made.")
