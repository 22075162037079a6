# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target of a run: found, checked, its images at hand; the part of a rollback that touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _choice,
    _data,
    _data_gate,
    _draft,
    _drivers,
    _equal,
    _flag_api,
    _ledger,
    _mcp_part,
    _partial,
    _plan,
    _pull,
    _select,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
from ansible_collections.tiered.rollback.plugins.module_utils._draft import Draft
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint, ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._partial import Request
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan


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
    current = tuple(_equal.points(ctx.stack, ctx.store, now, points))
    request = _partial.given(ctx.module.params)
    if request:
        return _part(ctx, request, now, journal, points, current)
    running = _capture.running_version(now, ctx.engine, current)
    point, scope = _choice.resolve(ctx, journal, points, current, running)
    data = _data_gate.takes_data(ctx.module.params["tier"], ctx.module.params["kind"], point)
    ctx.store.verify(point, databases=data)
    databases = _gate(ctx, now, point, data=data)
    now = replace(now, flags=_flag_api.read(ctx.stack, point.flags))
    forward = _choice.is_forward(points, running, point.version)
    live = _data.look(databases, ctx.stack, now, _ledger.runs(ctx.state)) if data else None

    def planned(to: RestorePoint) -> Plan:
        return _plan.plan(ctx.stack, now, to, ctx.store.definition(point), _interrupted(journal), live, scope)

    plan = planned(replace(point, mcp=None))
    undo = ctx.module.params["kind"] == _choice.UNDO
    # Where nothing else goes back, what was written since an earlier rollback belongs to the version that runs.
    if point.mcp and ctx.module.params["mcp"] and (plan.steps or journal or undo):
        service = _mcp_part.of(ctx)
        _mcp_part.see(service, point, ctx.module.warn)
        now = replace(now, mcp=_mcp_part.equal(service, point.mcp) if undo and not journal else None)
        plan = planned(point)
    missing = _pull.missing(ctx.engine, _within(point, scope))
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
    ctx: Context,
    request: Request,
    now: Observed,
    journal: Journal | None,
    points: list[RestorePoint],
    current: tuple[RestorePoint, ...],
) -> Target:
    """Draft the target of a run that takes only a part of the stack back."""
    source = None
    running = _capture.running_version(now, ctx.engine, current)
    if request.components and ctx.module.params["version"]:
        source = _choice.allowed(ctx, ctx.module.params["version"], points, current, running, journal)
        ctx.store.verify(source, databases=False)
        _gate(ctx, now, source, data=False)
    draft = _draft.make(ctx, now, journal, request, source, running)
    plan = _plan.plan(ctx.stack, draft.seen, draft.point, draft.definition, _interrupted(journal), scope=draft.scope)
    phase, ids = ctx.module.params["phase"], {point.id for point in current}
    if phase and not journal and _select.phase_done(_ledger.runs(ctx.state), phase, ids):
        plan = replace(plan, steps=(), replicas={})
    missing = _pull.missing(ctx.engine, _within(draft.point, draft.scope))
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
    described = _drivers.of(ctx, now.project) if data or point.databases else []
    databases = {database.name: database for database, _exchange in described}
    if data:
        _data_gate.refuse_mismatch(point, list(databases))
    elif not ctx.module.params["schema_compatible"]:
        _data_gate.refuse_other_schema(point, databases)
    return databases


def _within(point: RestorePoint, scope: frozenset[str] | None) -> dict[str, ServicePart]:
    return {name: part for name, part in point.services.items() if scope is None or name in scope}


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
