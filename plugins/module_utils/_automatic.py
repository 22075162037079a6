# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run begins that an event asked for: look once, decide, and begin it or call people.

Nothing is stopped, renamed or overwritten here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _auto,
    _begin,
    _capture,
    _checks,
    _equal,
    _files,
    _journal,
    _ledger,
    _lock,
)
from ansible_collections.tiered.rollback.plugins.module_utils._auto import Event, Seen, Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe

#: What people were told of the outage that lasts.
MEMORY = "auto.json"


def begin(ctx: Context) -> dict[str, Any]:
    """Begin the run that the event asks for, where that is right; to be called inside :func:`_begin.lock`.

    :returns: what :func:`_begin.begin` returns and ``auto``; ``needed`` is false where nothing is to be switched.
    """
    event, seen, looked = _look(ctx)
    verdict = _auto.decide(event, seen, _journal.now())
    if verdict.action == _auto.ROLL_BACK:
        try:
            _take(ctx, event, verdict)
            begun = _begin.begin(ctx, _begun(looked, verdict))
            if begun["needed"]:
                return {**begun, "auto": _told(ctx, seen, verdict)}
            verdict = Verdict(action=_auto.ESCALATE, why=f"{event.describe()}; {verdict.target} is what runs")
        except RollbackError as error:
            verdict = Verdict(action=_auto.ESCALATE, why=f"{event.describe()}; {error.message}", hint=error.hint)
    try:
        return _idle(seen, _told(ctx, seen, verdict))
    finally:
        _lock.release(ctx.state, ctx.run)


def foretell(ctx: Context) -> dict[str, Any]:
    """Say what :func:`begin` would answer, except for the state before; touches nothing."""
    event, seen, looked = _look(ctx)
    verdict = _auto.decide(event, seen, _journal.now())
    if verdict.action != _auto.ROLL_BACK:
        return _idle(seen, _told(ctx, seen, verdict))
    _take(ctx, event, verdict)
    return {**_begin.foretell(ctx, _begun(looked, verdict)), "auto": _told(ctx, seen, verdict)}


def _look(ctx: Context) -> tuple[Event, Seen, tuple[Observed, list[_checks.Result]]]:
    given = ctx.module.params["event"]
    event = Event(**{key: given[key] for key in ("source", "severity", "issue", "service", "version")})
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    checks = [*_checks.run(ctx.stack.checks), *_checks.health(now)]
    points = list(ctx.store.points())
    current = _equal.points(ctx.stack, ctx.store, now, points) or _of_same_images(now, points)
    seen = Seen(
        entries=_ledger.entries(ctx.state),
        points=points,
        proven={point.id for point in points if ctx.store.proven(point.id)},
        current={point.id for point in current},
        running=_capture.running_version(now, ctx.engine, current),
        healthy=bool(now.containers) and all(check.ok for check in checks) and _complete(now, points, current),
        databases=bool(ctx.stack.postgres or ctx.stack.sqlite),
        unfinished=_journal.load(ctx.state),
    )
    return event, seen, (now, checks)


def _of_same_images(now: Observed, points: list[RestorePoint]) -> list[RestorePoint]:
    """Return the points whose images the containers have: what ran before some of it crashed."""
    images = {name: {c.image_id for c in now.of(name)} for name in {c.service for c in now.containers}}
    found = []
    for point in points:
        there = {name: {part.image_id} for name, part in point.services.items() if name in images}
        if there and there == images:
            found.append(point)
    return found


def _complete(now: Observed, points: list[RestorePoint], current: list[RestorePoint]) -> bool:
    """Whether all runs that was captured as running: a container that somebody stopped fails no check of its own."""
    running = {container.service for container in now.containers if container.running}
    captured = (current or [point for point in points if point.kind == "deploy"])[-1:]
    wanted = {name for point in captured for name, part in point.services.items() if part.replicas}
    return wanted & set(now.hashes) <= running


def _take(ctx: Context, event: Event, verdict: Verdict) -> None:
    """Make the run the one that was decided on; the report and the ledger say so."""
    ctx.module.params.update(version=verdict.target, tier=verdict.tiers[0])
    decision = dict(verdict.decision) if verdict.decision else None
    ctx.run = replace(ctx.run, reason=ctx.run.reason or event.describe(), decision=decision)
    ctx.event = event.to_dict()


def _begun(looked: tuple[Observed, list[_checks.Result]], verdict: Verdict) -> _begin.Seen:
    return _begin.Seen(now=looked[0], checks=looked[1], data_too=2 in verdict.tiers)


def _told(ctx: Context, seen: Seen, verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as a module's answer, and note whether people are called by it."""
    path, given, now = ctx.state / MEMORY, ctx.module.params["event"], _journal.now()
    answer = {"action": verdict.action, "why": verdict.why, "hint": verdict.hint, "call": False, "outage": ctx.run.id}
    if verdict.action == _auto.ESCALATE:
        outage = f"{seen.running} after {len(seen.entries)} runs"
        memory = _remembered(ctx)
        if verdict.told and (memory is None or memory["outage"] != outage):
            run = str(seen.entries[-1]["run"])
            memory = {"outage": outage, "run": run, "since": verdict.told, "last": verdict.told, "calls": 1}
        limits = {key: given[key] for key in ("reminders", "remind_after")}
        call, memory = _auto.call(memory, outage, now, ctx.run.id, **limits)
        if not ctx.module.check_mode:
            _files.write(path, _files.dump_json(memory))
        answer |= {"call": call, "outage": memory["run"]}
    elif seen.healthy and not ctx.module.check_mode:
        _files.remove(path)
    return answer


def _remembered(ctx: Context) -> dict[str, Any] | None:
    data = _files.read(ctx.state / MEMORY)
    try:
        found = None if data is None else _files.load_json(data, MEMORY)
        return found if found is None or {"outage", "run", "since", "last", "calls"} <= set(found) else None
    except (RollbackError, TypeError, ValueError):
        # Better one call too many than none.
        return None


def _idle(seen: Seen, auto: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a run that switches nothing."""
    return {
        "changed": False,
        "needed": False,
        "plan": {"target": "", "source": "", "steps": []},
        "target": None,
        "from_version": seen.running,
        "to_version": seen.running,
        "before": None,
        "pulled": [],
        "scope": None,
        "resumed": None,
        "diff": {"before": "", "after": ""},
        "auto": auto,
    }
