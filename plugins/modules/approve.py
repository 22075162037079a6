#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: approve
short_description: Take the name of who approves a run
version_added: 1.0.0
description:
  - Checks the name that somebody gave at a prompt, and notes it with the run, whose report and ledger line then say it.
  - Runs on the controller only. An empty name, as a prompt without a terminal returns it, fails.
options:
  launch:
    description: What M(tiered.rollback.launch) returned.
    type: dict
    required: true
  name:
    description: Who approves.
    type: str
    required: true
  seconds:
    description: How long that took.
    type: int
    required: true
  approvers:
    description: Names by approval level; a level without any takes every name.
    type: dict
    default: {}
author:
  - The tiered.rollback authors (@tiered)
attributes:
  check_mode:
    description: Gives the same answer as a real run and moves nothing.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Only notes a name.
    support: full
"""

EXAMPLES = r"""
- name: Take the answer
  tiered.rollback.approve:
    launch: "{{ rollback_launch }}"
    name: "{{ answer.user_input }}"
    seconds: "{{ answer.delta }}"
    approvers: "{{ rollback_approvers | default({}) }}"
  register: rollback_launch
"""

RETURN = r"""
given:
  description: As in O(launch).
  returned: success
  type: dict
run:
  description: As in O(launch), with who has approved in C(decision).
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that this is an action: it is only ever run on the controller."""
    AnsibleModule(
        argument_spec={
            "launch": {"type": "dict", "required": True},
            "name": {"type": "str", "required": True},
            "seconds": {"type": "int", "required": True},
            "approvers": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    ).fail_json(msg="tiered.rollback.approve runs on the controller; call it by its full name")


if __name__ == "__main__":
    main()
