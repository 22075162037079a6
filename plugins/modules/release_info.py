#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Say where the deployment of a version stands
version_added: 1.0.0
description:
  - Says whether a version is still to be deployed, was being switched to by a run that was killed, runs without having
    been accepted, or runs as it should; and, once a deployment has failed, what it takes to go back.
  - A version that is quarantined is refused, unless it runs already.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
options:
  version:
    description: The version.
    type: str
    required: true
  back_to:
    description: Id of the restore point that a deployment which failed goes back to.
    type: str
"""

EXAMPLES = r"""
- name: See where the deployment stands
  tiered.rollback.release_info:
    stack: "{{ rollback_stack }}"
    version: v1.1.0
"""

RETURN = r"""
stage:
  description: >-
    What comes next: V(begin), V(switch) (a killed run is to be continued), V(watch) (it runs and is not accepted) or
    V(done).
  returned: success, without O(back_to)
  type: str
running:
  description: Name of the version that runs.
  returned: success
  type: str
target:
  description: Id of the release that an earlier attempt was on its way to; null where there is none.
  returned: success
  type: str
back_to:
  description: Id of the restore point that a failure goes back to; null where none is known yet.
  returned: success
  type: str
away:
  description: Whether something else runs than O(back_to) holds.
  returned: success, with O(back_to)
  type: bool
tier:
  description: The tier that takes the stack back, 2 where a database has another schema than the point, else 1.
  returned: success, with O(back_to)
  type: int
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _equal, _journal, _names, _situation
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.STACK_OPTIONS,
    "version": {"type": "str", "required": True},
    "back_to": {"type": "str"},
}


def act(ctx: Context) -> dict[str, Any]:
    """Say what comes next, or what it takes to go back."""
    version = _names.version(ctx.module.params["version"])
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    if not ctx.module.params["back_to"]:
        return {"changed": False, **_situation.look(ctx, now, version).to_dict()}
    point = ctx.store.load(ctx.module.params["back_to"])
    current = _equal.points(ctx.stack, ctx.store, now, [point])
    unfinished = _journal.load(ctx.state) is not None
    # A run without databases that is unfinished can only be ended by one without.
    with_data = not unfinished and _situation.schema_changed(ctx, now, point)
    return {
        "changed": False,
        "running": _situation.running(ctx, now),
        "target": None,
        "back_to": point.id,
        "away": not current or unfinished,
        "tier": 2 if with_data else 1,
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
