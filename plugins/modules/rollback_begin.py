#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback_begin
short_description: Take the lock, find and check the target, capture the state before
version_added: 0.1.0
description:
  - First step of a run. Nothing is stopped, renamed or overwritten by it.
  - Finds the restore point that is meant, reads every part of it again, makes sure that its images are at hand by id
    (pulling by digest what is missing), proves that there is room, and computes the plan.
  - Captures the state before as a restore point of its own, which M(tiered.rollback.stack_switch) returns to when the
    target does not get healthy, and which an undo returns to later.
  - A run that was killed is found in the journal; this run then continues it and inherits its state before.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  kind:
    description: V(rollback) goes to O(version), V(undo) to the state before an earlier run.
    type: str
    choices: [rollback, undo]
    default: rollback
  version:
    description: A version, V(previous), or the id of a restore point. Required with O(kind=rollback).
    type: str
  undo_run:
    description: The run to undo, with O(kind=undo). The default is an unfinished run, else the newest rollback.
    type: str
  tier:
    description: The tier, which sets the time budget.
    type: int
    choices: [1, 2, 3]
    default: 1
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
  dead_run:
    description: Id of a run that the controller knows to be dead. Set by the action plugin of the same name.
    type: str
"""

EXAMPLES = r"""
- name: Find v0.9.0, check it and capture what runs
  tiered.rollback.rollback_begin:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v0.9.0
"""

RETURN = r"""
needed:
  description: Whether there is anything to do; false where the target is what runs already.
  returned: success
  type: bool
plan:
  description: The steps from what runs to the target.
  returned: success
  type: dict
  contains:
    target: {description: Id of the restore point., type: str}
    source: {description: "How images go back: V(git), V(variable) or V(retag).", type: str}
    steps:
      description: Steps in order.
      type: list
      elements: dict
target:
  description: Id of the restore point that the run goes to.
  returned: success
  type: str
from_version:
  description: Name of the version that runs now.
  returned: success
  type: str
to_version:
  description: Version of the target.
  returned: success
  type: str
before:
  description: Id of the restore point that holds the state before; null in check mode and where nothing is to be done.
  returned: success
  type: str
pull:
  description: Services whose image is pulled because it is not at hand.
  returned: success
  type: list
  elements: str
resumed:
  description: Id of the killed run that this one continues; null where there is none.
  returned: success
  type: str
lock_holder:
  description: The run that holds the lock.
  returned: when the lock could not be had
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _checks,
    _context,
    _files,
    _journal,
    _lock,
    _outcome,
    _target,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe
from ansible_collections.tiered.rollback.plugins.module_utils._target import Target

OPTIONS = {
    **_context.RUN_OPTIONS,
    "kind": {"type": "str", "choices": ["rollback", "undo"], "default": "rollback"},
    "version": {"type": "str"},
    "undo_run": {"type": "str"},
    "tier": {"type": "int", "choices": [1, 2, 3], "default": 1},
    "lock_wait": {"type": "int", "default": 30},
    "dead_run": {"type": "str"},
}
#: Room that the state directory must have for journal, report and the state before.
_ROOM = 8 << 20


def act(ctx: Context) -> dict[str, Any]:
    """Begin a run, or in check mode say what it would do."""
    _checks.refuse_unknown_hosts(ctx.stack.checks)
    if ctx.module.check_mode:
        return _look(ctx, _journal.load(ctx.state))[2]
    params = ctx.module.params
    with _lock.held(ctx.state, ctx.run, params["lock_wait"], params["dead_run"]):
        done = False
        try:
            result = _begin(ctx)
            done = result["needed"]
        finally:
            # Until a journal names this run there is nothing that anyone could be in the way of.
            if not done:
                _files.remove(ctx.state / _journal.BALLAST)
                _lock.release(ctx.state, ctx.run)
    return result


def _look(ctx: Context, journal: Journal | None) -> tuple[Observed, Target, dict[str, Any]]:
    params = ctx.module.params
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    target = _target.find(ctx, now, journal, params["kind"], params["version"], params["undo_run"])
    running = _capture.running_version(now, ctx.engine, target.current)
    needed = bool(target.plan.steps) or journal is not None
    result = {
        **_target.describe(target),
        "changed": needed,
        "needed": needed,
        "from_version": journal.facts["from_version"] if journal else running,
        "before": None,
        "resumed": journal.run.id if journal else None,
        "diff": target.plan.diff(),
    }
    return now, target, result


def _begin(ctx: Context) -> dict[str, Any]:
    begun = _journal.now()
    unfinished = _journal.load(ctx.state)
    now, target, result = _look(ctx, unfinished)
    if not result["needed"]:
        return result
    _files.set_aside(ctx.state / _journal.BALLAST, _ROOM)
    _files.reserve(Path(ctx.stack.project_src), 2 * sum(part.size for part in target.point.files.values()) + 65536)
    _target.pull(ctx.engine, target.missing)
    _fetch(ctx, target)
    checks = [*_checks.run(ctx.stack.checks), *_checks.health(now)]
    before = unfinished.before if unfinished else _capture_before(ctx, now, checks, result["from_version"])
    journal = Journal(
        path=ctx.state / _journal.NAME,
        run=ctx.run,
        kind=ctx.module.params["kind"],
        tier=ctx.module.params["tier"],
        target=target.point.id,
        before=before,
        steps=unfinished.steps if unfinished else [],
        facts={
            **{key: result[key] for key in ("from_version", "to_version", "plan", "resumed")},
            "checks_before": [check.to_dict() for check in checks],
        },
    )
    journal.steps.append({"name": "preflight", "run": ctx.run.id, "begun": begun, "ended": _journal.now()})
    journal.save()
    return {**result, "before": before, "budget": _outcome.BUDGETS[journal.tier]}


def _fetch(ctx: Context, target: Target) -> None:
    """Get the version's commit where the checkout lacks it; its files are in the restore point all the same."""
    git = target.point.git
    checkout = Checkout(ctx.stack.project_src)
    if target.plan.source == "git" and git and not checkout.has(git.commit) and (problem := checkout.fetch_tags()):
        ctx.module.warn(f"commit {git.commit[:12]} is not in the checkout: {problem}. Its files go back all the same.")


def _capture_before(ctx: Context, now: Observed, checks: list[_checks.Result], version: str) -> str:
    point = _capture.describe(
        ctx.stack,
        now,
        ctx.engine,
        point_id=f"before-{ctx.run.id}",
        version=version,
        kind="before",
        created=_journal.now(),
        reason=f"state before {ctx.run.playbook}",
        healthy=all(check.ok for check in checks),
    )
    _capture.write(ctx.stack, ctx.store, now, point, ctx.engine)
    try:
        _capture.prove(ctx.store, ctx.engine, point)
    except RollbackError as error:
        ctx.module.warn(f"the state before could not be proven, so there may be no way back to it: {error.message}")
    return point.id


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, required_if=[("kind", "rollback", ["version"])])


if __name__ == "__main__":
    main()
