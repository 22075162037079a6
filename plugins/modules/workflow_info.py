#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workflow_info
short_description: Read and check the GitHub workflow files of a checkout
version_added: 1.0.0
description:
  - Says of each workflow file what starts it, which inputs it takes, which jobs it has, which actions it uses, whether
    they are pinned, and what is wrong with it. Changes nothing, and asks nobody outside of the target.
options:
  project_src:
    description: The top of a checkout; a directory on the target.
    type: path
    required: true
  files:
    description: Workflow files below it, backups too; without it all those in C(.github/workflows).
    type: list
    elements: str
    default: []
  checks:
    description:
      - V(schema) compares with GitHub's schema of workflows, as check-jsonschema carries it.
      - V(security) finds what zizmor knows to be dangerous.
      - V(pins) finds actions that are not pinned to a commit.
      - A file that is no workflow is a finding whatever is asked for.
    type: list
    elements: str
    choices: [schema, security, pins]
    default: [schema, security, pins]
  fail_on_findings:
    description: Whether to fail where there is a finding.
    type: bool
    default: false
requirements:
  - check-jsonschema, zizmor and PyYAML (Python packages on the target)
author:
  - The tiered.rollback authors (@tiered)
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: Look at the backup of a workflow before it is swapped in
  tiered.rollback.workflow_info:
    project_src: /srv/checkouts/udo
    files: [.github/workflows/ci.yml.backup]
    fail_on_findings: true
"""

RETURN = r"""
workflows:
  description: One entry per file. One that is no workflow has only findings.
  returned: always
  type: list
  elements: dict
  contains:
    file: {description: Its path below O(project_src)., type: str}
    name: {description: What GitHub calls it., type: str}
    triggers: {description: The events that start it., type: list, elements: str}
    jobs: {description: The ids of its jobs., type: list, elements: str}
    inputs:
      description: >-
        Inputs of C(workflow_dispatch) with C(name), C(type), C(required), C(default) and C(options). Null where it
        cannot be started by request.
      type: list
      elements: dict
    uses:
      description: Actions and workflows that it uses, with C(where), C(action), C(ref) and C(pinned).
      type: list
      elements: dict
    findings:
      description: What is wrong, with C(file), C(check), C(rule), C(where), C(severity) and C(message).
      type: list
      elements: dict
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _module, _workflow, _workflow_check
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._workflow import Finding

OPTIONS = {
    "project_src": {"type": "path", "required": True},
    "files": {"type": "list", "elements": "str", "default": []},
    "checks": {
        "type": "list",
        "elements": "str",
        "choices": list(_workflow_check.CHECKS),
        "default": list(_workflow_check.CHECKS),
    },
    "fail_on_findings": {"type": "bool", "default": False},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Describe every file."""
    params = module.params
    contents = _workflow_check.read(Path(params["project_src"]), params["files"])
    findings = _workflow_check.validate({}, contents, params["checks"])
    workflows = [
        _describe(path, data, [found for found in findings if found.file == path]) for path, data in contents.items()
    ]
    if findings and params["fail_on_findings"]:
        raise RollbackError(
            f"{len(findings)} findings: {'; '.join(map(str, findings))}",
            "Correct the files, or leave a check out of checks.",
            workflows=workflows,
        )
    return {"changed": False, "workflows": workflows}


def _describe(path: str, data: bytes, findings: Sequence[Finding]) -> dict[str, Any]:
    said = {"file": path, "findings": [asdict(found) for found in findings]}
    try:
        workflow = _workflow.parse(path, data)
    except RollbackError:
        # Which is a finding already.
        return {"name": None, "triggers": [], "jobs": [], "inputs": None, "uses": [], **said}
    return {
        "name": workflow.name,
        "triggers": list(workflow.triggers),
        "jobs": list(workflow.jobs),
        "inputs": None if workflow.dispatch is None else [asdict(each) for each in workflow.dispatch.values()],
        "uses": [{**asdict(use), "pinned": use.pinned} for use in workflow.uses],
        **said,
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
