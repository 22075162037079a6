#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: launch
short_description: Check what was given at launch, and name the run
version_added: 1.0.0
description:
  - First task of every playbook of this collection. Runs on the controller only.
  - Checks C(reason) and the launch variables that the playbook takes (O(required), O(optional)) against strict patterns
    while they are still raw. Ansible would otherwise evaluate a template expression in them, such as a C(pipe) lookup,
    as soon as anything refers to the variable.
  - Returns RV(given), the checked launch variables, and RV(run), the identity that lock, journal, ledger and report
    share. Register it as C(rollback_launch); the roles read it under that name.
options:
  playbook:
    description: Name of the playbook, for the records.
    type: str
    required: true
  required:
    description: Launch variables that must be given.
    type: list
    elements: str
    default: []
  optional:
    description: Launch variables that may be given as well.
    type: list
    elements: str
    default: []
  request:
    description:
      - Name of a variable that holds launch variables as a dictionary, as a rulebook passes the values of an event.
        They are checked as all others are.
    type: str
  required_one_of:
    description: Lists of optional ones of which at least one must be given.
    type: list
    elements: list
    default: []
  mutually_exclusive:
    description: Lists of optional ones of which at most one may be given.
    type: list
    elements: list
    default: []
  tier:
    description:
      - The tier that the playbook rolls back by, for which the decision matrix is asked. The launch variables
        C(severity), C(issue), C(override_reason) and C(approved_by) are then taken as well.
      - Where C(severity) or C(issue) is given, a tier that the matrix does not allow fails, unless C(override_reason)
        says why it is right all the same. Without either nothing is asked.
      - Who may approve comes from the variable C(rollback_approvers). For tier 1 the name has to come with the command;
        elsewhere M(tiered.rollback.approve) takes it later.
      - A phase of a run, which states no tier, keeps what was decided of the run.
    type: str
    choices: ["1", "2", "3", ci]
  required_by:
    description: Launch variables that an optional one needs beside it.
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
    description: Every run gets an id of its own.
    support: none
"""

EXAMPLES = r"""
- name: Check what was given at launch
  tiered.rollback.launch:
    playbook: tier1-emergency.yml
    required: [version]
  register: rollback_launch
"""

RETURN = r"""
given:
  description: The launch variables that were given, checked.
  returned: success
  type: dict
  sample: {version: v0.9.0, reason: errors on every page}
run:
  description: The identity of this run, with C(decision), what the decision matrix says to it.
  returned: success
  type: dict
question:
  description: What is to be approved.
  returned: where somebody has to approve, and nobody has yet
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that this is an action: it is only ever run on the controller."""
    AnsibleModule(
        argument_spec={
            "playbook": {"type": "str", "required": True},
            "required": {"type": "list", "elements": "str", "default": []},
            "optional": {"type": "list", "elements": "str", "default": []},
            "request": {"type": "str"},
            "required_one_of": {"type": "list", "elements": "list", "default": []},
            "mutually_exclusive": {"type": "list", "elements": "list", "default": []},
            "required_by": {"type": "dict", "default": {}},
            "tier": {"type": "str", "choices": ["1", "2", "3", "ci"]},
        },
        supports_check_mode=True,
    ).fail_json(msg="tiered.rollback.launch runs on the controller; call it by its full name")


if __name__ == "__main__":
    main()
