#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_workflow
short_description: Enable or disable a GitHub workflow
version_added: 1.0.0
description:
  - A disabled workflow is triggered by nothing until it is enabled again; its runs that are under way go on.
    M(tiered.rollback.github_run_cancel) ends those.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
options:
  workflow:
    description: File name of the workflow below C(.github/workflows), such as V(ci.yml).
    type: str
    required: true
  state:
    description: What it shall be.
    type: str
    choices: [enabled, disabled]
    required: true
"""

EXAMPLES = r"""
- name: Stop a workflow that wastes every runner
  tiered.rollback.github_workflow:
    github: "{{ rollback_stack.github }}"
    workflow: test-full.yml
    state: disabled
"""

RETURN = r"""
workflow:
  description: The workflow as it was found.
  returned: success
  type: dict
  contains:
    id: {description: Its id., type: int}
    name: {description: Its name., type: str}
    file: {description: "Its file's name below C(.github/workflows).", type: str}
    state: {description: "V(active), V(disabled_manually), V(disabled_inactivity) or another.", type: str}
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _github, _github_workflows, _module

OPTIONS = {
    **_github.OPTIONS,
    "workflow": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["enabled", "disabled"], "required": True},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Bring about the state, or in check mode say what that takes."""
    github = _github.given(module.params)
    found = _github_workflows.workflow(github, module.params["workflow"])
    enabled = module.params["state"] == "enabled"
    actions = []
    if (found.state == _github_workflows.ACTIVE) != enabled:
        verb = "enable" if enabled else "disable"
        actions.append(f"{verb} {found.file}")
        if not module.check_mode:
            github.send("PUT", f"/actions/workflows/{found.id}/{verb}", repeatable=True)
    return {**_module.acted(actions), "workflow": asdict(found)}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
