# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target of a run: found, checked, its images at hand; the part of a rollback that touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _data, _data_gate, _ledger, _plan, _select
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint, ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store
from ansible_collections.tiered.rollback.plugins.module_utils._switch import interruption

UNDO = "undo"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A restore point that is whole, and how to get there.

    :param current: points that equal what runs now, oldest first.
    :param missing: services whose image is not at hand and must be pulled.
    :param data: whether its databases go back too.
    """

    point: RestorePoint
    plan: Plan
    current: tuple[RestorePoint, ...]
    missing: Mapping[str, ServicePart]
    data: bool


def find(ctx: Context, now: Observed, journal: Journal | None) -> Target:
    """Resolve and check the target of a rollback or an undo.

    :raises RollbackError: when it is unknown, damaged or unproven, or its databases cannot go with it or stay behind;
        the message names what is available.
    """
    store, params = ctx.store, ctx.module.params
    points = list(store.points())
    current = equal_points(ctx.stack, store, now, points)
    point = _resolve(ctx, journal, points, {point.id for point in current})
    data = _data_gate.takes_data(params["tier"], params["kind"], point)
    store.verify(point, databases=data)
    # A point without databases has nothing to compare, and a driver takes its time to import.
    described = ctx.databases(now.project) if data or point.databases else []
    databases = {database.name: database for database, _exchange in described}
    if data:
        _data_gate.refuse_mismatch(point, list(databases))
    if not data and not params["schema_compatible"]:
        _data_gate.refuse_other_schema(point, databases)
    plan = _plan.plan(
        ctx.stack,
        now,
        point,
        store.definition(point),
        interruption(journal),
        _data.look(databases, ctx.stack, now, _ledger.entries(ctx.state)) if data else None,
    )
    missing = missing_images(ctx.engine, point.services)
    return Target(point=point, plan=plan, current=tuple(current), missing=missing, data=data)


def _resolve(ctx: Context, journal: Journal | None, points: list[RestorePoint], ids: set[str]) -> RestorePoint:
    params, store = ctx.module.params, ctx.store
    if params["kind"] == UNDO:
        if journal and journal.before and params["undo_run"] in (None, journal.run.id):
            return store.load(journal.before)
        return store.load(_select.undo(_ledger.entries(ctx.state), ids, params["undo_run"]))
    return chosen(store, params["version"] or "", points, ids)


def chosen(store: Store, version: str, points: list[RestorePoint], current: set[str]) -> RestorePoint:
    """Return the point that a person means by a version, among those of the store.

    :param current: ids of the points that equal what runs now.
    """
    proven = {point.id for point in points if store.proven(point.id)}
    damaged = set(store.ids()) - {point.id for point in points}
    return _select.select(version, points, proven, current, damaged)


def missing_images(engine: Engine, services: Mapping[str, ServicePart]) -> dict[str, ServicePart]:
    """Return the services whose image is not on this host."""
    return {name: part for name, part in services.items() if engine.image(part.image_id) is None}


def equal_points(stack: Stack, store: Store, now: Observed, points: list[RestorePoint]) -> list[RestorePoint]:
    """Return the points that what runs now already equals: those to which the plan is empty."""
    found = []
    for point in points:
        try:
            if not _plan.plan(stack, now, point, store.definition(point)).steps:
                found.append(point)
        except RollbackError:
            continue
    return found


def pull(engine: Engine, missing: Mapping[str, ServicePart]) -> None:
    """Fetch images that are not at hand, by digest, and check that they are what the point names.

    :raises RollbackError: when no registry has one of them; nothing was stopped by then.
    """
    for name, part in missing.items():
        reasons = [_pull_one(engine, part, digest) for digest in part.digests]
        if engine.image(part.image_id) is None:
            why = "; ".join(filter(None, reasons)) or "no registry is known to hold it"
            raise RollbackError(
                f"the image of {name} ({_plan.short(part.image_id)}) is not on this host and cannot be pulled: {why}",
                "Start the registry, or load the image (docker load); or let Compose build it again from its commit: "
                "tier2-standard.yml -e rebuild=true; or choose another version. Nothing was changed.",
            )


def _pull_one(engine: Engine, part: ServicePart, digest: str) -> str:
    if engine.image(part.image_id) is not None:
        return ""
    try:
        engine.pull(digest)
    except RollbackError as error:
        return error.message
    return ""


def describe(target: Target) -> dict[str, Any]:
    """Return the target as a module's result."""
    return {
        "target": target.point.id,
        "to_version": target.point.version,
        "plan": target.plan.to_dict(),
        "pull": sorted(target.missing),
    }
