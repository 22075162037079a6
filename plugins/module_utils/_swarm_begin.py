# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run on a stack of a swarm begins: the target found and checked, the state before captured, the journal written.

Nothing is updated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _begin,
    _checks,
    _choice,
    _files,
    _journal,
    _ledger,
    _partial,
    _plan,
    _swarm_plan,
    _swarm_point,
    _swarm_service,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan
from ansible_collections.tiered.rollback.plugins.module_utils._swarm_service import Seen

#: Room that the state directory must have for journal, report and the state before.
_ROOM = 8 << 20
#: What only a Compose project has, by the option that asks for it.
_OTHERS = ("flags", "config", "snapshot", "levels", "phase", "event", "deployment")


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A restore point that is whole, and how to get there.

    :param definition: its specifications by service.
    :param drafted: whether it is not written yet.
    :param needed_first: whether services are updated in the order of a deployment.
    """

    point: RestorePoint
    definition: Mapping[str, Any]
    plan: Plan
    now: Seen
    running: str
    scope: frozenset[str] | None
    drafted: bool
    needed_first: bool
    forward: bool


def foretell(ctx: Context) -> dict[str, Any]:
    """Say what :func:`begin` would answer, except for the state before; touches nothing."""
    return _look(ctx, _journal.load(ctx.state))[1]


def begin(ctx: Context) -> dict[str, Any]:
    """Begin a run; to be called inside :func:`_begin.lock`, and with the answer of :func:`_begin.begin`.

    :raises RollbackError: when the target cannot be had; nothing was touched then.
    """
    return _begin.begun(ctx, lambda: _work(ctx))


def _look(ctx: Context, journal: Journal | None) -> tuple[_Found, dict[str, Any]]:
    _refuse_others(ctx)
    found = _find(ctx, journal)
    needed = bool(found.plan.steps) or journal is not None
    if needed:
        _refuse_unavailable(ctx, found)
    result = {
        "target": found.point.id,
        "to_version": found.point.version,
        "plan": found.plan.to_dict(),
        # Each node pulls by digest what it lacks.
        "pulled": [],
        "scope": None if found.scope is None else sorted(found.scope),
        "changed": needed,
        "needed": needed,
        "from_version": journal.facts["from_version"] if journal else found.running,
        "before": None,
        "resumed": journal.run.id if journal else None,
        "diff": found.plan.diff(),
    }
    return found, result


def _find(ctx: Context, journal: Journal | None) -> _Found:
    points = list(ctx.store.points())
    now = _swarm_point.look(ctx)
    current = _swarm_point.equal_points(ctx.stack, ctx.store, now, points)
    running = _swarm_point.running_version(now, current)
    point, scope = _choice.resolve(ctx, journal, points, current, running)
    ctx.store.verify(point)
    definition = ctx.store.definition(point)
    forward = _choice.is_forward(points, running, point.version)
    needed_first = _goes_up(ctx, journal, point, forward=forward)
    drafted = bool(_partial.given(ctx.module.params).components)
    if drafted:
        point, definition, scope = _draft(ctx, journal, now, point, running)
    plan = _swarm_plan.plan(ctx.stack, now, point.id, definition, needed_first=needed_first, scope=scope)
    return _Found(
        point=point,
        definition=definition,
        plan=plan,
        now=now,
        running=running,
        scope=scope,
        drafted=drafted,
        needed_first=needed_first,
        forward=forward,
    )


def _goes_up(ctx: Context, journal: Journal | None, point: RestorePoint, *, forward: bool) -> bool:
    """Whether a run goes the way of a deployment: to a newer version, or back from where a rollback went."""
    if ctx.module.params["kind"] != _choice.UNDO:
        known = journal.facts.get("needed_first") if journal and journal.target == point.id else None
        return forward if known is None else bool(known)
    if journal and journal.before == point.id:
        return not journal.facts.get("needed_first", False)
    undone = [entry for entry in _ledger.runs(ctx.state) if entry.get("before") == point.id]
    return not (undone and undone[-1].get("forward"))


def _draft(
    ctx: Context, journal: Journal | None, now: Seen, source: RestorePoint, running: str
) -> tuple[RestorePoint, dict[str, Any], frozenset[str]]:
    """Draft the restore point of what runs, but for components that go to a version; after a kill, of what ran before.

    :param source: the version's restore point.
    """
    base = ctx.store.definition(ctx.store.load(journal.before)) if journal and journal.before else now.definition
    there = ctx.store.definition(source)["services"]
    request = _partial.given(ctx.module.params)
    names = _partial.services(request.components, {*base["services"], *there})
    if missing := sorted(set(names) - set(there)):
        raise RollbackError(
            f"restore point {source.id} has no service {', '.join(missing)}",
            f"It has: {', '.join(sorted(there))}.",
        )
    _partial.refuse_kept(names, _partial.services(request.keep, base["services"]))
    definition = {**base, "services": {**base["services"], **{name: there[name] for name in names}}}
    label = _partial.label(request, names, source.version)
    point = _swarm_point.describe(
        ctx.stack,
        now,
        point_id=f"partial-{ctx.run.id}",
        version=f"{running.partition('+')[0][:40]}+{label}",
        kind="partial",
        reason=f"{running} but for {label}",
        healthy=True,
    )
    services = {name: _swarm_point.part(spec) for name, spec in definition["services"].items()}
    point = replace(point, services=services, definition=_files.sha256(_files.dump_json(definition)))
    killed = set((journal.facts.get("scope") if journal else None) or ())
    return point, definition, frozenset({*names, *killed})


def _refuse_others(ctx: Context) -> None:
    params = ctx.module.params
    asked = [name for name in _OTHERS if params.get(name) not in (None, {}, [])]
    if params["tier"] == 2:
        asked.append("tier 2")
    if params["components"] and not params["version"]:
        raise RollbackError("components are named, and no version", "Add -e version=..., for example v0.9.0.")
    if asked:
        raise RollbackError(
            f"{', '.join(asked)}: not for engine swarm yet; nothing was touched",
            "A stack of a swarm goes back by tier1-emergency.yml, or in part by tier3-partial.yml -e component=...",
        )


def _refuse_unavailable(ctx: Context, found: _Found) -> None:
    """Refuse a target that the swarm could not run: an image, a network, a config or a secret is gone."""
    names = {step.subject for step in found.plan.steps} & set(found.definition["services"])
    specs = [found.definition["services"][name] for name in sorted(names)]
    gone = sorted({each for spec in specs for each in ctx.swarm.missing(spec)})
    if gone:
        raise RollbackError(
            f"the swarm has not any more what {found.point.id} refers to: {', '.join(gone)}",
            "Make the network again by its name. What a config or secret held nobody knows; choose another version.",
        )
    images = [str(spec["TaskTemplate"]["ContainerSpec"]["Image"]) for spec in specs]
    if missing := _swarm_point.missing_images(ctx.swarm.has_image, images):
        raise RollbackError(
            f"neither a registry nor this manager has {', '.join(missing)}",
            "Start the registry, or load the image on the manager; or choose another version. Nothing was changed.",
        )


def _work(ctx: Context) -> dict[str, Any]:
    begun = _journal.now()
    unfinished = _journal.load(ctx.state)
    found, result = _look(ctx, unfinished)
    if not result["needed"]:
        return result
    if unfinished:
        _begin.refuse_other_parts(unfinished, data=False, scope=found.scope)
    journal = _begin.open_journal(ctx, unfinished, result, data=False, forward=found.forward)
    journal.facts["needed_first"] = found.needed_first
    with journal.step("preflight") as step:
        step["begun"] = begun
        _files.set_aside(ctx.state / _journal.BALLAST, _ROOM)
        if found.drafted:
            _swarm_point.write(ctx.store, found.point, found.definition)
            _swarm_point.prove(ctx, found.point)
        checks = [*_checks.run(ctx.stack.checks), *_swarm_point.health(found.now)]
        journal.facts["checks_before"] = [check.to_dict() for check in checks]
    if not unfinished:
        journal.before = _capture_before(ctx, found, result["from_version"], healthy=all(each.ok for each in checks))
        journal.save()
    return {**result, "before": journal.before}


def _capture_before(ctx: Context, found: _Found, version: str, *, healthy: bool) -> str:
    """Write the restore point of the state before this run, whatever that state is, and return its id."""
    point = _swarm_point.describe(
        ctx.stack,
        found.now,
        point_id=_begin.before_id(ctx),
        version=version,
        kind="before",
        reason=f"state before {ctx.run.playbook}",
        healthy=healthy,
    )
    for service in found.now.services:
        if _swarm_service.pinned(service.image) is None:
            ctx.module.warn(
                f"the image of {service.name} is not named by digest: {service.image}; an undo goes to what "
                f"{_plan.tagged(service.image)} is then"
            )
    _swarm_point.write(ctx.store, point, found.now.definition)
    try:
        _swarm_point.prove(ctx, point)
    except RollbackError as error:
        ctx.module.warn(f"the state before could not be proven, so there may be no way back to it: {error.message}")
    return point.id
