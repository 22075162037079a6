# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run begins: the stack's lock, the target found and checked, the state before captured, the journal written.

Nothing is stopped, renamed or overwritten here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _checks,
    _config_diff,
    _data_gate,
    _draft,
    _drivers,
    _files,
    _journal,
    _lock,
    _logs,
    _mcp_part,
    _outcome,
    _pull,
    _target,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe
from ansible_collections.tiered.rollback.plugins.module_utils._target import Target

#: Room that the state directory must have for journal, report and the state before.
_ROOM = 8 << 20
_FIRST_THE_OTHER = "Run its command again, or undo.yml; then this one."


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen a moment ago, by who decided that this run shall begin.

    :param data_too: whether Tier 2 is used where images alone cannot go back.
    """

    now: Observed
    checks: list[_checks.Result]
    data_too: bool


def lock(ctx: Context) -> AbstractContextManager[None]:
    """Own the stack while the block runs, and afterwards until the run has ended."""
    return _lock.held(ctx.state, ctx.run, ctx.module.params["lock_wait"], ctx.module.params["dead_run"])


def foretell(ctx: Context, seen: Seen | None = None) -> dict[str, Any]:
    """Say what :func:`begin` would answer, except for the state before; touches nothing."""
    return _look(ctx, _journal.load(ctx.state), seen)[1]


def begin(ctx: Context, seen: Seen | None = None) -> dict[str, Any]:
    """Begin a run; to be called inside :func:`lock`.

    :param seen: what need not be looked at again.

    :returns: what the module ``stack_switch`` documents of it. Where ``needed`` is true the
        journal names this run, and the stack's lock outlives the caller; otherwise the lock is free again.
    :raises RollbackError: when the target cannot be had; nothing was touched then.
    """
    return begun(ctx, lambda: _begin(ctx, seen))


def begun(ctx: Context, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do what begins a run, and give the stack free again where none has begun by it.

    :param work: returns what :func:`begin` does.
    """
    needed = False
    try:
        result = work()
        needed = result["needed"]
    finally:
        # Until a journal names this run there is nothing that anyone could be in the way of.
        if not needed:
            _files.remove(ctx.state / _journal.BALLAST)
            if _journal.load(ctx.state) is None:
                _files.remove(ctx.state / _journal.NAME)
            _lock.release(ctx.state, ctx.run)
    return result


def _look(ctx: Context, journal: Journal | None, seen: Seen | None) -> tuple[Target, dict[str, Any]]:
    target = _find(ctx, journal, seen)
    running = _capture.running_version(target.now, ctx.engine, target.current)
    needed = bool(target.plan.steps) or journal is not None
    result = {
        **_target.describe(target),
        "changed": needed,
        "needed": needed,
        "from_version": journal.facts["from_version"] if journal else running,
        "before": None,
        "resumed": journal.run.id if journal else None,
        "diff": _diff(ctx, target),
    }
    return target, result


def _find(ctx: Context, journal: Journal | None, seen: Seen | None) -> Target:
    now = seen.now if seen else observe(ctx.stack, ctx.engine, ctx.compose)
    try:
        return _target.find(ctx, now, journal)
    except _data_gate.OtherSchema:
        if seen is None or not seen.data_too:
            raise
    ctx.module.params["tier"] = 2
    return _target.find(ctx, now, journal)


def _diff(ctx: Context, target: Target) -> dict[str, str]:
    """Show the plan, and what its files change, by name."""
    root, draft = Path(ctx.stack.project_src), target.draft
    shown = target.plan.diff()
    if target.plan.files:
        for path in target.plan.files:
            after = draft.contents.get(path) if draft else ctx.store.content(target.point, path)
            shown["after"] += f"  {_config_diff.of_file(path, _files.read(root / path), after)}\n"
        definition = draft.definition if draft else ctx.store.definition(target.point)
        for line in _config_diff.of_project(target.now.definition, definition):
            shown["after"] += f"  {line}\n"
    return shown


def _begin(ctx: Context, seen: Seen | None) -> dict[str, Any]:
    begun = _journal.now()
    unfinished = _journal.load(ctx.state)
    target, result = _look(ctx, unfinished, seen)
    now = target.now
    if not result["needed"]:
        return result
    if unfinished:
        refuse_other_parts(unfinished, data=target.data, scope=target.scope)
    if unfinished and target.data and unfinished.target != target.point.id:
        # Before the journal names another target: nobody would know of it any more.
        Data(_drivers.of(ctx, now.project), ctx.store, unfinished, list).discard_half_made(unfinished.target)
    journal = open_journal(ctx, unfinished, result, data=target.data, forward=target.forward)
    data = Data(_drivers.of(ctx, now.project) if target.data else [], ctx.store, journal, list)
    with journal.step("preflight") as step:
        step["begun"] = begun
        _files.set_aside(ctx.state / _journal.BALLAST, _ROOM)
        _files.reserve(Path(ctx.stack.project_src), 2 * sum(p.size for p in target.point.files.values()) + 65536)
        _pull.images(ctx.engine, target.missing)
        _fetch(ctx, target)
        if target.draft:
            _draft.write(ctx, target.draft)
        checks = seen.checks if seen else [*_checks.run(ctx.stack.checks), *_checks.health(now)]
        journal.facts["checks_before"] = [check.to_dict() for check in checks]
        if target.data:
            journal.facts["logs"] = _logs.assess(ctx.engine, now.containers, ctx.stack.secrets)
    if not unfinished:
        journal.facts["identities"] = data.identities()
        databases, problems = data.copy_what_can_be(before_id(ctx))
        for problem in problems:
            ctx.module.warn(problem)
        service, mcp = _mcp_part.of(ctx), None
        if service and target.plan.subjects("restore_snapshot"):
            mcp = _mcp_part.capture_before(service, before_id(ctx), ctx.module.warn)
        journal.before = capture_before(ctx, now, checks, result["from_version"], databases, mcp)
        journal.save()
    return {**result, "before": journal.before}


def refuse_other_parts(unfinished: Journal, *, data: bool, scope: frozenset[str] | None) -> None:
    """Refuse to continue a run that took databases back with one that leaves them alone, or the other way round.

    The way back of both is the state before the first, which holds databases or does not. What a run of the whole stack
    has begun, a run that leaves most of it alone cannot end.

    :param data: whether this run takes databases back.
    :param scope: services that it may touch; None: all.
    """
    took_data = bool(unfinished.facts["identities"])
    if took_data != data:
        what = "takes" if took_data else "does not take"
        raise RollbackError(
            f"{unfinished.run.describe()} was not finished, and it {what} databases back, other than this one",
            _FIRST_THE_OTHER,
        )
    if unfinished.facts.get("scope") is None and scope is not None:
        raise RollbackError(
            f"{unfinished.run.describe()} was not finished, and it takes the whole stack back", _FIRST_THE_OTHER
        )


def open_journal(
    ctx: Context, unfinished: Journal | None, result: dict[str, Any], *, data: bool, forward: bool
) -> Journal:
    """Write what is going to happen, so that it can be followed; with what a killed run did, where there was one.

    :param result: what is answered of it.
    :param data: whether it takes databases back.
    :param forward: whether it goes to a version that was deployed later than the one that runs.
    """
    journal = ctx.journal(
        _journal.NAME,
        ctx.module.params["kind"],
        max(ctx.module.params["tier"], 2 if data else 1),
        result["target"],
        before=unfinished.before if unfinished else None,
        steps=unfinished.steps if unfinished else [],
        facts={key: result[key] for key in ("from_version", "to_version", "plan", "pulled", "resumed", "scope")},
    )
    journal.facts["phase"] = ctx.module.params["phase"]
    if ctx.event:
        journal.facts["event"] = ctx.event
    deploying = journal.kind == _outcome.DEPLOY
    # Gates and builds may take as long as they like.
    journal.facts["budget"] = None if deploying else _outcome.BUDGETS[journal.tier]
    if deploying:
        known = unfinished.facts.get("deployment") if unfinished else None
        journal.facts["deployment"] = ctx.module.params["deployment"] or known or {}
    if forward and journal.kind == "rollback":
        journal.facts["forward"] = True
    journal.facts["identities"] = unfinished.facts["identities"] if unfinished else {}
    journal.save()
    return journal


def _fetch(ctx: Context, target: Target) -> None:
    """Get the version's commit where the checkout lacks it; its files are in the restore point all the same."""
    git = target.point.git
    checkout = Checkout(ctx.stack.project_src)
    if target.plan.source == "git" and git and not checkout.has(git.commit) and (problem := checkout.fetch_tags()):
        ctx.module.warn(f"commit {git.commit[:12]} is not in the checkout: {problem}. Its files go back all the same.")


def before_id(ctx: Context) -> str:
    """Name the restore point that holds the state before this run."""
    return f"before-{ctx.run.id}"


def capture_before(
    ctx: Context,
    now: Observed,
    checks: list[_checks.Result],
    version: str,
    databases: Mapping[str, DatabasePart],
    mcp: str | None = None,
) -> str:
    """Write the restore point of the state before this run, whatever that state is, and return its id.

    :param databases: their copies, which lie in the store already.
    :param mcp: id of the snapshot of the MCP container's data.
    """
    point = _capture.describe(
        ctx.stack,
        now,
        ctx.engine,
        point_id=before_id(ctx),
        version=version,
        kind="before",
        created=_journal.now(),
        reason=f"state before {ctx.run.playbook}",
        healthy=all(check.ok for check in checks),
        databases=databases,
        mcp=mcp,
    )
    _capture.write(ctx.stack, ctx.store, now, point, ctx.engine)
    try:
        _capture.prove(ctx.store, ctx.engine, point)
    except RollbackError as error:
        ctx.module.warn(f"the state before could not be proven, so there may be no way back to it: {error.message}")
    return point.id
