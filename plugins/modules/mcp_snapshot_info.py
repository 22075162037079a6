#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_snapshot_info
short_description: List the snapshots of an MCP container's data, and how the service is
version_added: 1.0.0
description:
  - Lists every snapshot, levels and schedule of peelback, the automatic rollback, and the service's own status. Changes
    nothing.
extends_documentation_fragment:
  - tiered.rollback.mcp
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: See what can be gone back to
  tiered.rollback.mcp_snapshot_info:
    mcp: "{{ rollback_stack.mcp }}"
  register: found
"""

RETURN = r"""
snapshots:
  description: Snapshots, newest first, as C(snapshot) of M(tiered.rollback.mcp_snapshot).
  returned: success
  type: list
  elements: dict
peelback:
  description: The mechanism's status.
  returned: success
  type: dict
  contains:
    enabled: {description: Whether snapshots are taken by interval., type: bool}
    interval_seconds: {description: The interval., type: float}
    max_snapshots: {description: How many stay beside the kept ones., type: int}
    snapshots: {description: How many there are., type: int}
    levels: {description: How many levels a revert can go back., type: int}
    next_snapshot: {description: When the next one is due; null where none is., type: str}
    paused_because: {description: Why none is taken by interval; null where they are., type: str}
    rollback:
      description: The automatic rollback.
      type: dict
      contains:
        automatic: {description: Whether it is on., type: bool}
        health: {description: "The application's: V(healthy), V(failing), V(unknown) or V(unwatched).", type: str}
        consecutive_failures: {description: Failed checks in a row., type: int}
        attempts: {description: Automatic rollbacks of this incident., type: int}
        max_attempts: {description: How many it makes before it needs a person., type: int}
        gave_up: {description: Whether it needs a person., type: bool}
status:
  description: The service itself.
  returned: success
  type: dict
  contains:
    version: {description: Its version., type: str}
    status: {description: "V(ok), or V(failing) while a restore could not be completed.", type: str}
    snapshots: {description: How many snapshots there are., type: int}
    stored_bytes: {description: Bytes of all of them together., type: int}
    free_bytes: {description: Bytes that are free for more., type: int}
    operation: {description: What runs now; null where nothing does., type: str}
    last_error: {description: What failed last; null where nothing did., type: str}
health:
  description: What C(/health) says, V(ok) or V(failing).
  returned: success
  type: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _mcp, _module


def act(module: AnsibleModule) -> dict[str, Any]:
    """List what there is."""
    mcp = _mcp.given(module.params)
    return {
        "changed": False,
        "snapshots": [asdict(snapshot) for snapshot in mcp.snapshots()],
        "peelback": asdict(mcp.peelback_status()),
        "status": asdict(mcp.status()),
        "health": mcp.health().status,
    }


def main() -> None:
    """Run the module."""
    _module.main(act, _mcp.OPTIONS)


if __name__ == "__main__":
    main()
