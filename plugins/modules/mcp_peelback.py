#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_peelback
short_description: Go back some levels of an MCP container's data
version_added: 1.0.0
description:
  - Goes back to the snapshot of a level; level 1 is the newest that was not saved before a restore. The same call, made
    again, goes to the same snapshot and changes nothing, as long as none is taken in between.
  - The state that is replaced is a snapshot too, which RV(before) names; M(tiered.rollback.mcp_snapshot) goes back to
    it. Restart the application afterwards.
extends_documentation_fragment:
  - tiered.rollback.mcp
  - tiered.rollback.stack.attributes
options:
  levels:
    description: How many levels to go back.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Go back to the newest snapshot
  tiered.rollback.mcp_peelback:
    mcp: "{{ rollback_stack.mcp }}"

- name: Go back three
  tiered.rollback.mcp_peelback:
    mcp: "{{ rollback_stack.mcp }}"
    levels: 3
"""

RETURN = r"""
snapshot:
  description: The snapshot that was gone back to, or would be, as C(snapshot) of M(tiered.rollback.mcp_snapshot).
  returned: success
  type: dict
before:
  description: Snapshot of the state that was replaced. Null where nothing was, and in check mode.
  returned: success
  type: dict
files_changed:
  description: Files that were replaced, added and removed, or would be.
  returned: success
  type: int
peelback:
  description: The mechanism's status afterwards, as C(peelback) of M(tiered.rollback.mcp_snapshot_info).
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _mcp, _module
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS = {**_mcp.OPTIONS, "levels": {"type": "int", "default": 1}}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Go back, or in check mode say where to."""
    levels = module.params["levels"]
    if levels < 1:
        raise RollbackError(f"levels must be at least 1, not {levels}", "1 is the newest snapshot.")
    mcp = _mcp.given(module.params)
    available = mcp.peelback_status().levels
    if levels > available:
        raise RollbackError(
            f"{levels} levels back were asked for, and there are {available}",
            "mcp_snapshot_info lists the snapshots with their levels; nothing was touched.",
            levels=available,
        )
    done = mcp.revert(levels, dry_run=module.check_mode)
    where = f" to {done.restored.describe()}" if done.restored else ""
    action = f"go back {levels} levels{where}: {done.files_changed} files changed"
    return {
        **_module.acted([action] if done.changed else []),
        "snapshot": asdict(done.restored) if done.restored else None,
        "before": asdict(done.before) if done.before else None,
        "files_changed": done.files_changed,
        "peelback": asdict(mcp.peelback_status()),
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
