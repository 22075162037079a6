#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quarantine
short_description: Release a version from quarantine
version_added: 1.0.0
description:
  - A version that the stack was rolled back from, or whose deployment failed, is neither deployed nor rolled back to
    until somebody releases it. That is a line of the ledger, as the rollback is; there is nothing else to keep in step.
  - A version that is not quarantined is left alone.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  release:
    description: The version. Without it those in quarantine are only listed.
    type: str
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Let v1.1.0 be deployed again
  tiered.rollback.quarantine:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    release: v1.1.0
"""

RETURN = r"""
quarantined:
  description: Versions that are quarantined afterwards, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    version: {description: The version., type: str}
    since: {description: When it was left; UTC in ISO 8601., type: str}
    run: {description: The run that left it., type: str}
    reason: {description: Why., type: str}
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _journal,
    _ledger,
    _module,
    _names,
    _owned,
    _quarantine,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "release": {"type": "str"},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Release a version, or only list those in quarantine."""
    version = ctx.module.params["release"]
    if version is None or ctx.module.check_mode:
        return _release(ctx, version, write=False)
    with _owned.stack(ctx):
        return _release(ctx, version, write=True)


def _release(ctx: Context, version: str | None, *, write: bool) -> dict[str, Any]:
    held = _quarantine.held(_ledger.entries(ctx.state))
    found = held.pop(_names.version(version), None) if version is not None else None
    if found and write:
        _ledger.append(ctx.state, _quarantine.line(ctx.run, ctx.stack.name, found, _journal.now()))
    actions = [f"release {found.version}, which run {found.run} left"] if found else []
    return {**_module.acted(actions), "quarantined": [each.to_dict() for each in reversed(held.values())]}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
