#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_workflow_dispatch
short_description: Run a GitHub workflow and follow its run to the end
version_added: 1.0.0
description:
  - Dispatches a workflow that has the trigger C(workflow_dispatch), and waits for the very run that this started.
    GitHub names it in its answer (C(return_run_details)). An older GitHub Enterprise Server does not; there it is the
    one run that was not there before.
  - Inputs are compared with the workflow's file at O(ref) first, so that a wrong one is told before anything is
    started.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
attributes:
  idempotent:
    description: Each time is another run.
    support: none
options:
  workflow:
    description: File name of the workflow below C(.github/workflows), such as V(ci.yml).
    type: str
    required: true
  ref:
    description: Branch or tag to run it on. Without it, O(github.branch), or the repository's default branch.
    type: str
  inputs:
    description: The workflow's inputs. Numbers and booleans are sent as the text that GitHub wants.
    type: dict
    default: {}
  timeout:
    description: Seconds to wait for the run's end; V(0) does not wait.
    type: int
    default: 3600
  must_succeed:
    description: Whether another conclusion than V(success), or none within O(timeout), is a failure.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Take the Docker-based tests out of CI by their flag
  tiered.rollback.github_workflow_dispatch:
    github: "{{ rollback_stack.github }}"
    workflow: docker-feature-flags.yml
    inputs:
      rollback_to_legacy: true
      enable_unified_docker_tests: false
      enable_docker_caching: false
"""

RETURN = r"""
run:
  description: The run when it had ended, or as it was after O(timeout) seconds. Null in check mode.
  returned: success
  type: dict
  contains:
    id: {description: Its id., type: int}
    file: {description: "File name of its workflow.", type: str}
    name: {description: Its name., type: str}
    branch: {description: Its branch., type: str}
    sha: {description: The commit that it ran., type: str}
    event: {description: "What started it.", type: str}
    status: {description: "V(queued), V(in_progress), V(completed) or another.", type: str}
    conclusion: {description: "V(success), V(failure), V(cancelled) or another; null until it has ended.", type: str}
    started: {description: When it started; UTC in ISO 8601., type: str}
    seconds: {description: Seconds from there to its end; null until it has ended., type: float}
    url: {description: Its page., type: str}
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _github,
    _github_runs,
    _github_tree,
    _github_workflows,
    _module,
    _names,
    _workflow,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "workflow": {"type": "str", "required": True},
    "ref": {"type": "str"},
    "inputs": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 3600},
    "must_succeed": {"type": "bool", "default": True},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Start the run and wait for it, or in check mode say that this could be done."""
    params = module.params
    if params["timeout"] < 0:
        raise RollbackError(f"timeout must not be negative: {params['timeout']}", "3600 is the default.")
    inputs = _github_workflows.inputs(params["inputs"])
    github = _github.given(params)
    ref = _names.branch(params["ref"], "ref") if params["ref"] else _github_tree.branch(github)
    file = params["workflow"]
    workflow = _github_workflows.dispatchable(github, file, ref)
    if workflow is None:
        raise RollbackError(f"{file} on {ref} has no trigger workflow_dispatch", "Add it, or run it by a push.")
    _workflow.check_inputs(workflow, inputs)
    given = ", ".join(f"{name}={value}" for name, value in inputs.items())
    action = f"dispatch {file} on {ref}{' with ' if given else ''}{given}"
    if module.check_mode:
        return {**_module.acted([action]), "run": None}
    number = _github_workflows.dispatch(github, file, ref, inputs)
    run = _github_runs.wait(github, number, params["timeout"])
    if params["must_succeed"] and params["timeout"] and run.conclusion != "success":
        raise _unsuccessful(github, run, params["timeout"])
    return {**_module.acted([action]), "run": _github_runs.told(run)}


def _unsuccessful(github: GitHub, run: _github_runs.WorkflowRun, timeout: int) -> RollbackError:
    facts = {"run": _github_runs.told(run), "changed": True}
    if not run.ended:
        return RollbackError(
            f"{run.describe()} has not ended after {timeout} s", f"See {run.url}; it goes on by itself.", **facts
        )
    failed = [job.name for job in _github_runs.jobs(github, [run]).get(run.id, []) if job.conclusion == "failure"]
    jobs = f": {', '.join(failed)}" if failed else ""
    return RollbackError(f"{run.describe()} did not succeed{jobs}", f"Its log is at {run.url}.", **facts)


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
