#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_info
short_description: Say what a drill would do, and whether it can be
version_added: 1.0.0
description:
  - Finds the restore point, plans the staging copy, proves that the copy shares nothing with production (projects,
    containers, volumes, networks, images, ports, paths and databases), and chooses the fault. Makes nothing.
  - Fails where there is no proven restore point, where a service could reach out of a copy (host networks and process
    tables, devices, privileges, the engine's socket, unknown keys), and where the fault cannot be injected here.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
  - tiered.rollback.drill
"""

EXAMPLES = r"""
- name: See what a drill would do
  tiered.rollback.drill_info:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    fault: random
    seed: 7
  register: drill
"""

RETURN = r"""
plan:
  description: >-
    The drill: C(name) of the staging copy, C(point), C(version), C(from_version) (what it is taken back from),
    C(fault), C(service), C(seed), C(tier), C(budget) in seconds, C(services), C(without), C(ports), C(paths) and more.
  returned: success
  type: dict
remains:
  description: Staging copies of earlier drills that were killed, or of one that is under way.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _drill_plan, _inject, _staging
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS: dict[str, dict[str, Any]] = {**_context.RUN_OPTIONS, **_drill_plan.OPTIONS}


def act(ctx: Context) -> dict[str, Any]:
    """Plan a drill."""
    drill = _drill_plan.make(ctx, ctx.module.params, _inject.latency_problem())
    return {"changed": False, "plan": drill.plan, "remains": _staging.remains(ctx.state)}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, drills=True)


if __name__ == "__main__":
    main()
