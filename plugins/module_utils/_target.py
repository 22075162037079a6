# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target of a run: found, checked, its images at hand; the part of a rollback that touches nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _data,
    _data_gate,
    _draft,
    _flag_api,
    _ledger,
    _mcp_part,
    _outcome,
    _plan,
    _quarantine,
    _select,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._draft import Draft
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint, ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

UNDO = "undo"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A restore point that is whole, and how to get there.

    :param current: points that equal what runs now, oldest first.
    :param missing: services whose image is not at hand and must be pulled.
    :param data: whether its databases go back too.
    :param scope: services that may be touched; None: all.
    :param draft: the point and what belongs to it, where it is not written yet.
    :param now: the stack as it is, with all that the target is about.
    :param forward: whether it is of a version that was deployed later than the one that runs.
    """

    point: RestorePoint
    plan: Plan
    current: tuple[RestorePoint, ...]
    missing: Mapping[str, ServicePart]
    data: bool
    scope: frozenset[str] | None
    draft: Draft | None
    now: Observed
    forward: bool = False


def find(ctx: Context, now: Observed, journal: Journal | None) -> Target:
    """Resolve and check the target of a rollback or an undo.

    :raises RollbackError: when it is unknown, damaged or unproven, or its databases cannot go with it or stay behind;
        the message names what is available.
    """
    points = list(ctx.store.points())
    current = tuple(equal_points(ctx.stack, ctx.store, now, points))
    if ctx.request:
        return _part(ctx, now, journal, points, current)
    running = _capture.running_version(now, ctx.engine, current)
    point, scope = resolve(ctx, journal, points, current, running)
    data = _data_gate.takes_data(ctx.module.params["tier"], ctx.module.params["kind"], point)
    ctx.store.verify(point, databases=data)
    databases = _gate(ctx, now, point, data=data)
    now = replace(now, flags=_flag_api.read(ctx.stack, point.flags))
    forward = is_forward(points, running, point.version)
    live = _data.look(databases, ctx.stack, now, _ledger.runs(ctx.state)) if data else None

    def planned(to: RestorePoint) -> Plan:
        return _plan.plan(ctx.stack, now, to, ctx.store.definition(point), _interrupted(journal), live, scope)

    plan = planned(replace(point, mcp=None))
    undo = ctx.module.params["kind"] == UNDO
    # Where nothing else goes back, what was written since an earlier rollback belongs to the version that runs.
    if point.mcp and ctx.module.params["mcp"] and (plan.steps or journal or undo):
        _mcp_part.see(ctx.stack_mcp, point, ctx.module.warn)
        now = replace(now, mcp=_mcp_part.equal(ctx.stack_mcp, point.mcp) if undo and not journal else None)
        plan = planned(point)
    missing = missing_images(ctx.engine, _within(point, scope))
    return Target(
        point=point,
        plan=plan,
        current=current,
        missing=missing,
        data=data,
        scope=scope,
        draft=None,
        now=now,
        forward=forward,
    )


def _part(
    ctx: Context, now: Observed, journal: Journal | None, points: list[RestorePoint], current: tuple[RestorePoint, ...]
) -> Target:
    """Draft the target of a run that takes only a part of the stack back."""
    source = None
    running = _capture.running_version(now, ctx.engine, current)
    if ctx.request.components and ctx.module.params["version"]:
        source = allowed(ctx, ctx.module.params["version"], points, current, running, journal)
        ctx.store.verify(source, databases=False)
        _gate(ctx, now, source, data=False)
    draft = _draft.make(ctx, now, journal, ctx.request, source, running)
    plan = _plan.plan(ctx.stack, draft.seen, draft.point, draft.definition, _interrupted(journal), scope=draft.scope)
    phase, ids = ctx.module.params["phase"], {point.id for point in current}
    if phase and not journal and _select.phase_done(_ledger.runs(ctx.state), phase, ids):
        plan = replace(plan, steps=(), replicas={})
    missing = missing_images(ctx.engine, _within(draft.point, draft.scope))
    return Target(
        point=draft.point,
        plan=plan,
        current=current,
        missing=missing,
        data=False,
        scope=draft.scope,
        draft=draft,
        now=draft.seen,
    )


def _gate(ctx: Context, now: Observed, point: RestorePoint, *, data: bool) -> dict[str, Database]:
    """Refuse databases that cannot go with a point or stay behind; return the stack's by name, where it has any."""
    # A point without databases has nothing to compare, and a driver takes its time to import.
    described = ctx.databases(now.project) if data or point.databases else []
    databases = {database.name: database for database, _exchange in described}
    if data:
        _data_gate.refuse_mismatch(point, list(databases))
    elif not ctx.module.params["schema_compatible"]:
        _data_gate.refuse_other_schema(point, databases)
    return databases


def _within(point: RestorePoint, scope: frozenset[str] | None) -> dict[str, ServicePart]:
    return {name: part for name, part in point.services.items() if scope is None or name in scope}


def resolve(
    ctx: Context,
    journal: Journal | None,
    points: list[RestorePoint],
    current: Sequence[RestorePoint],
    running: str,
) -> tuple[RestorePoint, frozenset[str] | None]:
    """Return the restore point that is meant, and the services that may be touched; None: all.

    :param current: points that equal what runs now.
    :param running: name of the version that runs.
    """
    params, store = ctx.module.params, ctx.store
    ids = {point.id for point in current}
    if params["kind"] == _outcome.DEPLOY and journal is None:
        _refuse_moved(params["deployment"] or {}, ids)
    if params["kind"] != UNDO:
        return allowed(ctx, params["version"] or "", points, current, running, journal), None
    if journal and journal.before and params["undo_run"] in (None, journal.run.id):
        # Its own command again goes on with a killed undo; naming it undoes it, as any other.
        goes_on = journal.kind == UNDO and params["undo_run"] is None
        return store.load(journal.target if goes_on else journal.before), _scope(journal.facts)
    entry = _select.undo(_ledger.runs(ctx.state), ids, params["undo_run"])
    return store.load(entry["before"]), _scope(entry)


def _scope(facts: Mapping[str, Any]) -> frozenset[str] | None:
    found = facts.get("scope")
    return None if found is None else frozenset(found)


def chosen(
    store: Store,
    version: str,
    points: Sequence[RestorePoint],
    current: Collection[str],
    damaged_of: Sequence[RestorePoint] | None = None,
) -> RestorePoint:
    """Return the point that a person means by a version, among those of the store.

    :param current: ids of the points that equal what runs now.
    :param damaged_of: every readable point, where *points* are only some of them.
    """
    proven = {point.id for point in points if store.proven(point.id)}
    damaged = set(store.ids()) - {point.id for point in damaged_of or points}
    return _select.select(version, points, proven, current, damaged)


def allowed(
    ctx: Context,
    version: str,
    points: list[RestorePoint],
    current: Sequence[RestorePoint],
    running: str,
    journal: Journal | None = None,
) -> RestorePoint:
    """Return the point that a person means, unless its version is quarantined (X-7).

    ``previous`` passes over versions that are, and says so. What runs already and what a killed run was on its way to
    are no new deployment; and where a deployment comes back to what ran before it, nobody is asked.

    :param running: name of the version that runs.
    :raises RollbackError: naming how the version is released, and what else there is.
    """
    ids = {point.id for point in current}
    held = {} if ctx.module.params.get("allow_quarantined") else _held(ctx)
    meant = next((point.version for point in points if journal and point.id == journal.target), None)
    for name in (running, meant, *(point.version for point in current)):
        held.pop(str(name), None)
    free = [point for point in points if point.version not in held]
    names = [point.version for point in reversed(free) if point.kind == "deploy" and ctx.store.proven(point.id)]
    if version in held:
        raise _quarantine.refusal(held[version], names)
    found = chosen(ctx.store, version, points, ids)
    if found.version not in held:
        return found
    if version != _select.PREVIOUS:
        raise _quarantine.refusal(held[found.version], names)
    passed = ", ".join(held)
    try:
        other = chosen(ctx.store, version, free, ids, damaged_of=points)
    except RollbackError as error:
        raise RollbackError(f"{error.message} but for what is quarantined: {passed}", error.hint) from error
    ctx.module.warn(f"quarantined, and passed over for {other.version}: {passed}")
    return other


def _held(ctx: Context) -> dict[str, _quarantine.Held]:
    try:
        return _quarantine.held(_ledger.entries(ctx.state))
    except RollbackError as error:
        # A rollback must not wait for a ledger that somebody has damaged; a deployment can.
        if ctx.module.params.get("kind") == _outcome.DEPLOY:
            raise
        ctx.module.warn(f"which versions are quarantined cannot be told: {error.message}")
        return {}


def _refuse_moved(deployment: Mapping[str, Any], ids: Collection[str]) -> None:
    """Refuse to deploy over something else than what the restore point of this deployment holds."""
    if deployment.get("back_to") and deployment["back_to"] not in ids:
        raise RollbackError(
            f"the stack was changed since restore point {deployment['back_to']} was captured",
            "Another run, or a person, was quicker. Look at status.yml, then run the same command again.",
        )


def is_forward(points: Sequence[RestorePoint], running: str, to: str) -> bool:
    """Whether a version was deployed later than the one that runs, as far as their restore points tell."""
    order = list(dict.fromkeys(point.version for point in points if point.kind == "deploy"))
    return running in order and to in order and order.index(to) > order.index(running)


def missing_images(engine: Engine, services: Mapping[str, ServicePart]) -> dict[str, ServicePart]:
    """Return the services whose image is not on this host."""
    return {name: part for name, part in services.items() if engine.image(part.image_id) is None}


def equal_points(stack: Stack, store: Store, now: Observed, points: list[RestorePoint]) -> list[RestorePoint]:
    """Return the points that what runs now already equals: those to which the plan is empty.

    What the application keeps itself is not asked for: it may not answer.
    """
    found = []
    for point in points:
        try:
            if not _plan.plan(stack, now, replace(point, flags={}, mcp=None), store.definition(point)).steps:
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
        "pulled": sorted(target.missing),
        "scope": None if target.scope is None else sorted(target.scope),
    }


def _interrupted(journal: Journal | None) -> Interrupted | None:
    return Interrupted.after(journal.steps, journal.began) if journal else None
