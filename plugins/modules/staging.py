#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: staging
short_description: Make a staging copy of a stack, or remove it
version_added: 1.0.0
description:
  - Makes a copy of a stack from a proven restore point, with a project, containers, volumes, networks, image names,
    ports, files and databases of its own, and brings it up. Production is only read.
  - One drill of a stack at a time. The next one takes over only when the run that made the last is known to be dead,
    and then removes what is left of it.
  - With O(state=absent) removes the copy of this run, or with O(remains) those of runs that are dead.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
  - tiered.rollback.drill
options:
  state:
    description: Whether the copy shall be there.
    type: str
    choices: [present, absent]
    default: present
  ports:
    description: The copy's ports by those of production, as M(tiered.rollback.drill_info) has chosen them.
    type: dict
    default: {}
  remains:
    description: With O(state=absent), whether to remove what killed drills left, instead of this run's own copy.
    type: bool
    default: false
  dead_run:
    description: Id of a run that the controller knows to be dead. Set by the action plugin of the same name.
    type: str
"""

EXAMPLES = r"""
- name: Make a staging copy
  tiered.rollback.staging:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    fault: container_kill
"""

RETURN = r"""
plan:
  description: The drill, as M(tiered.rollback.drill_info) returns it; empty with O(state=absent).
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
left_out:
  description: What was not copied, such as symbolic links that lead out of what they lie in.
  returned: success
  type: list
  elements: str
lock_holder:
  description: The run that makes a drill of this stack.
  returned: when another drill is under way
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _drill,
    _drill_plan,
    _inject,
    _lock,
    _module,
    _staging,
    _staging_stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    **_drill_plan.OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "ports": {"type": "dict", "default": {}},
    "remains": {"type": "bool", "default": False},
    "dead_run": {"type": "str"},
}
#: A drill owns its stack's copies until it is known to be dead, however long that takes.
_LEASE = 10 * 365 * 86400


def act(ctx: Context) -> dict[str, Any]:
    """Make or remove a staging copy, or in check mode say which."""
    if ctx.module.params["state"] == "absent":
        return _remove(ctx)
    if ctx.module.check_mode:
        drill = _drill_plan.make(ctx, ctx.module.params, _inject.latency_problem())
        return _answer([f"make staging copy {drill.plan['name']}"], drill.plan)
    locks = ctx.state / _drill.DIRECTORY
    try:
        with _lock.held(locks, ctx.run, 0, ctx.module.params["dead_run"], _LEASE):
            # Whoever had the lock is dead, so whatever is there is what was left.
            removed = [_absent(ctx, name) for name in _staging.remains(ctx.state)]
            drill = _drill_plan.make(ctx, ctx.module.params, _inject.latency_problem())
            left_out = _staging.present(ctx, drill)
    except RollbackError as error:
        if "lock_holder" in error.facts:
            raise RollbackError(
                f"a drill of this stack is under way: {error.message}",
                f"Wait for it to end. If it is certainly dead: remove {locks / 'lock'}, then run this again.",
                **error.facts,
            ) from error
        raise
    plan = {**drill.plan, "left_out": left_out}
    _staging.write(Path(plan["root"]), _staging.PLAN, plan)
    return _answer([*removed, f"make staging copy {plan['name']}"], plan, left_out)


def _remove(ctx: Context) -> dict[str, Any]:
    mine = _drill.prefix(ctx.stack.name, ctx.run.id)
    there = _staging.remains(ctx.state)
    names = there if ctx.module.params["remains"] else [name for name in there if name == mine]
    if ctx.module.check_mode:
        return _answer([f"remove staging copy {name}" for name in names])
    locks = ctx.state / _drill.DIRECTORY
    if not names:
        _lock.release(locks, ctx.run)
        return _answer([])
    with _lock.held(locks, ctx.run, 0, ctx.module.params["dead_run"], _LEASE):
        try:
            return _answer([_absent(ctx, name) for name in names])
        finally:
            _lock.release(locks, ctx.run)


def _absent(ctx: Context, name: str) -> str:
    _staging.absent(name, Path(_staging_stack.root(str(ctx.state), name)), ctx.engine)
    return f"remove staging copy {name}"


def _answer(
    actions: list[str], plan: dict[str, Any] | None = None, left_out: list[str] | None = None
) -> dict[str, Any]:
    return {**_module.acted(actions), "plan": plan or {}, "left_out": left_out or []}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, drills=True)


if __name__ == "__main__":
    main()
