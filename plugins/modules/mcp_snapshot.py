#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_snapshot
short_description: Take, restore or remove a snapshot of an MCP container's data
version_added: 1.0.0
description:
  - Works on the snapshots of a data directory through the API that the service C(peelback) provides.
  - A restore brings the whole directory back or changes nothing, and the state that it replaces is a snapshot too,
    which RV(before) names. Restart the application after it, and stop it before where every write counts.
extends_documentation_fragment:
  - tiered.rollback.mcp
  - tiered.rollback.stack.attributes
options:
  state:
    description:
      - V(present) takes a snapshot, unless one with the same O(description) has been asked for before. Without a
        description it takes one each time.
      - V(restored) makes the data equal to the snapshot O(id).
      - V(absent) removes the snapshot O(id).
    type: str
    choices: [present, restored, absent]
    default: present
  id:
    description: The snapshot to restore or to remove, as M(tiered.rollback.mcp_snapshot_info) lists it.
    type: str
  description:
    description: What the snapshot is for; with O(state=present) only. At most 500 characters.
    type: str
  keep:
    description:
      - Whether the snapshot stays until it is removed by request; with O(state=present) only. Others make room for
        newer ones.
      - One with the same description that is not kept does not count as present then.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take a snapshot before something risky
  tiered.rollback.mcp_snapshot:
    mcp: "{{ rollback_stack.mcp }}"
    description: before v1.1.0
    keep: true
  register: snapshot

- name: Go back to it
  tiered.rollback.mcp_snapshot:
    mcp: "{{ rollback_stack.mcp }}"
    state: restored
    id: "{{ snapshot.snapshot.id }}"
  register: restored

- name: Undo that
  tiered.rollback.mcp_snapshot:
    mcp: "{{ rollback_stack.mcp }}"
    state: restored
    id: "{{ restored.before.id }}"
  when: restored is changed

- name: Remove the snapshot
  tiered.rollback.mcp_snapshot:
    mcp: "{{ rollback_stack.mcp }}"
    state: absent
    id: "{{ snapshot.snapshot.id }}"
"""

RETURN = r"""
snapshot:
  description: >-
    The snapshot that was taken, found, restored or removed. Null where check mode would take one, and where there is
    none to remove.
  returned: success
  type: dict
  contains:
    id: {description: Its id., type: str}
    timestamp: {description: When it was taken; UTC in ISO 8601., type: str}
    description: {description: What it is for., type: str}
    size_bytes: {description: Bytes of all files., type: int}
    new_bytes: {description: Bytes that it added to the storage., type: int}
    files: {description: How many files it holds., type: int}
    trigger: {description: "V(request), V(interval), or V(before-restore).", type: str}
    healthy: {description: Whether the application was well then; null where nobody knew., type: bool}
    kept: {description: Whether it stays until it is removed by request., type: bool}
    level: {description: Levels to revert to come here; null for a state saved before a restore., type: int}
    remarks: {description: "What was left out, and why.", type: list, elements: str}
before:
  description: >-
    Snapshot of the state that a restore replaced, with the keys of RV(snapshot). Null where nothing was, and in check
    mode.
  returned: success
  type: dict
files_changed:
  description: Files that a restore replaced, added and removed, or would.
  returned: success
  type: int
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _mcp, _module
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp, Restoration, Snapshot

OPTIONS = {
    **_mcp.OPTIONS,
    "state": {"type": "str", "choices": ["present", "restored", "absent"], "default": "present"},
    "id": {"type": "str"},
    "description": {"type": "str"},
    "keep": {"type": "bool", "default": False},
}
_MOST_CHARACTERS = 500


def act(module: AnsibleModule) -> dict[str, Any]:
    """Bring about the state, or in check mode say what that takes."""
    params = module.params
    given = {name for name in ("id", "description", "keep") if params[name]}
    known = {"id"} if params["state"] != "present" else {"description", "keep"}
    if given - known:
        raise RollbackError(
            f"{' and '.join(sorted(given - known))} cannot be given with state={params['state']}",
            "A new snapshot gets its id from the service; description and keep are said when it is taken.",
        )
    states: dict[str, Callable[[AnsibleModule, Mcp], dict[str, Any]]] = {
        "present": _present,
        "restored": _restored,
        "absent": _absent,
    }
    return states[params["state"]](module, _mcp.given(params))


def _present(module: AnsibleModule, mcp: Mcp) -> dict[str, Any]:
    description, keep = module.params["description"] or "", module.params["keep"]
    if len(description) > _MOST_CHARACTERS:
        raise RollbackError(f"description is longer than {_MOST_CHARACTERS} characters", "Shorten it.")
    if description:
        for snapshot in mcp.snapshots():
            same = snapshot.trigger == "request" and snapshot.description == description
            if same and (snapshot.kept or not keep):
                return _answer(snapshot, [])
    else:
        # So that check mode says what would be wrong.
        mcp.status()
    taken = None if module.check_mode else mcp.snapshot(description, keep=keep)
    return _answer(taken, [f"take a snapshot{': ' + description if description else ''}"])


def _restored(module: AnsibleModule, mcp: Mcp) -> dict[str, Any]:
    wanted = _mcp.pick(mcp.snapshots(), module.params["id"])
    done = mcp.restore(wanted.id, dry_run=module.check_mode)
    action = f"restore {wanted.describe()}: {done.files_changed} files changed"
    return _answer(done.restored or wanted, [action] if done.changed else [], done)


def _absent(module: AnsibleModule, mcp: Mcp) -> dict[str, Any]:
    wanted = _mcp.snapshot_id(module.params["id"])
    found = next((snapshot for snapshot in mcp.snapshots() if snapshot.id == wanted), None)
    if found and not module.check_mode:
        mcp.remove(wanted)
    return _answer(found, [f"remove {found.describe()}"] if found else [])


def _answer(snapshot: Snapshot | None, actions: list[str], done: Restoration | None = None) -> dict[str, Any]:
    return {
        **_module.acted(actions),
        "snapshot": asdict(snapshot) if snapshot else None,
        "before": asdict(done.before) if done and done.before else None,
        "files_changed": done.files_changed if done else 0,
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS, required_if=[("state", "restored", ["id"]), ("state", "absent", ["id"])])


if __name__ == "__main__":
    main()
