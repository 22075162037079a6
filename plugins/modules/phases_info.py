#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: phases_info
short_description: Read and check a file of rollback phases
version_added: 1.0.0
description:
  - Runs on the controller only, and touches nothing. No value of the file is ever evaluated as a template.
  - The file is YAML with a list C(phases), each of which has a C(name).
  - A phase of a stack has at least one of C(revert) (services, or patterns of their names, that go to C(version)),
    C(flags) (feature flags and the value each shall have) and C(config) (name of a backup, or V(newest)). C(keep) lists
    services that must not be touched; C(validate) lists HTTP checks that must hold before the next phase begins, of the
    form that the checks of a service have.
  - A phase of CI has C(files) of the repository, which go to what they are at C(to) (a branch, tag or commit; without
    it to the backup beside them). C(validate) lists workflows that must succeed before the next phase begins; C(lacks)
    lists words that no workflow file may hold then.
options:
  path:
    description: The file, on the controller.
    type: path
    required: true
  kind:
    description: What the phases are about.
    type: str
    choices: [stack, ci]
    default: stack
author:
  - The tiered.rollback authors (@tiered)
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Read the phases
  tiered.rollback.phases_info:
    path: phases.yml
  register: _phases
"""

RETURN = r"""
plan:
  description: Name of the plan, which is made of what it says.
  returned: success
  type: str
phases:
  description: The phases in order, each with every key; what the file left out is empty.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that this is an action: it is only ever run on the controller."""
    AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "kind": {"type": "str", "choices": ["stack", "ci"], "default": "stack"},
        },
        supports_check_mode=True,
    ).fail_json(msg="tiered.rollback.phases_info runs on the controller; call it by its full name")


if __name__ == "__main__":
    main()
