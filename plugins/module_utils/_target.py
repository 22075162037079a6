# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target of a run: found, checked, its images at hand; the part of a rollback that touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _ledger, _plan, _select
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
    """

    point: RestorePoint
    plan: Plan
    current: tuple[RestorePoint, ...]
    missing: Mapping[str, ServicePart]


def find(
    ctx: Context, now: Observed, journal: Journal | None, kind: str, version: str | None, run: str | None
) -> Target:
    """Resolve and check the target of a rollback or an undo.

    :raises RollbackError: when it is unknown, damaged or unproven; the message names what is available.
    """
    store = ctx.store
    points = list(store.points())
    current = equal_points(ctx.stack, store, now, points)
    ids = {point.id for point in current}
    if kind == UNDO:
        if journal and journal.before and run in (None, journal.run.id):
            point = store.load(journal.before)
        else:
            point = store.load(_select.undo(_ledger.entries(ctx.state), ids, run))
    else:
        proven = {point.id for point in points if store.proven(point.id)}
        damaged = set(store.ids()) - {point.id for point in points}
        point = _select.select(version or "", points, proven, ids, damaged)
    store.verify(point)
    plan = _plan.plan(ctx.stack, now, point, store.definition(point), interruption(journal))
    missing = {name: part for name, part in point.services.items() if ctx.engine.image(part.image_id) is None}
    return Target(point=point, plan=plan, current=tuple(current), missing=missing)


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
                "Start the registry, or load the image (docker load); or choose another version. Nothing was changed.",
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
