#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fault
short_description: Put the staging copy of a drill into trouble
version_added: 1.0.0
description:
  - Puts the staging copy of this run under load, deploys the release that is rolled back from, injects the fault that
    the drill was planned with, and waits until checks or containers show it.
  - Works on nothing but the copy that M(tiered.rollback.staging) made in the same run.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  notice:
    description: Seconds that the fault is given to be noticed.
    type: float
    default: 5
"""

EXAMPLES = r"""
- name: Inject the fault
  tiered.rollback.fault:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
"""

RETURN = r"""
fault:
  description: >-
    The fault: C(fault), C(service), C(said) (what was done), C(injected) (when), C(noticed) (by what; null where
    nothing did), C(noticed_after) in seconds, and C(probe), what became of the requests sent meanwhile.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _inject, _module, _staging
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS: dict[str, dict[str, Any]] = {**_context.RUN_OPTIONS, "notice": {"type": "float", "default": 5.0}}


def act(ctx: Context) -> dict[str, Any]:
    """Inject the fault, or in check mode say which."""
    plan = _staging.recall(ctx)
    if ctx.module.check_mode:
        return {**_module.acted([f"{plan['service']}: {plan['does']}"]), "fault": {}}
    found = _inject.inject(plan, _staging.description(ctx, plan), ctx.engine, ctx.module.params["notice"])
    return {**_module.acted([found["said"]]), "fault": found}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, drills=True)


if __name__ == "__main__":
    main()
