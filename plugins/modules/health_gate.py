#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_gate
short_description: Check that a stack is well, and that it is what was asked for
version_added: 1.0.0
description:
  - Runs the stack's HTTP checks side by side and looks at the state and health of its containers.
  - With O(restore_point), compares the image of every running container with the point by id, and looks for containers
    and networks that belong to nothing any more. Changes nothing; fails when a check does not hold.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
options:
  restore_point:
    description: Id of the restore point that shall be running.
    type: str
  timeout:
    description: Seconds that HTTP checks get to become good.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: See that v0.9.0 is what runs, and that it is well
  tiered.rollback.health_gate:
    stack: "{{ rollback_stack }}"
    restore_point: v0.9.0-20261120T231500Z
"""

RETURN = r"""
checks:
  description: Every check with C(name), C(ok), C(found) and C(milliseconds).
  returned: always
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _context
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe

OPTIONS = {
    **_context.STACK_OPTIONS,
    "restore_point": {"type": "str"},
    "timeout": {"type": "int", "default": 0},
}


def act(ctx: Context) -> dict[str, Any]:
    """Check, and fail where a check does not hold."""
    results = _checks.poll(ctx.stack.checks, ctx.module.params["timeout"])
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    results += _checks.health(now) + _against_point(ctx, now)
    checks = [result.to_dict() for result in results]
    if not all(result.ok for result in results):
        raise RollbackError(
            f"the stack is not well: {_checks.describe_failures(results)}",
            "See the services' logs.",
            checks=checks,
        )
    return {"changed": False, "checks": checks}


def _against_point(ctx: Context, now: Observed) -> list[_checks.Result]:
    if not ctx.module.params["restore_point"]:
        return []
    point = ctx.store.load(ctx.module.params["restore_point"])
    replicas = {name: part.replicas for name, part in point.services.items()}
    return [*_checks.containers(now, point), _checks.leftovers(now, replicas, ctx.engine)]


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
