#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_verify
short_description: Prove that CI works, by a run of it
version_added: 1.0.0
description:
  - Runs a workflow on a branch, waits for its end, reads the reports that it left, and compares conclusion, duration,
    coverage and artifacts with O(targets). Anything that is missed is a failure.
  - A workflow without the trigger C(workflow_dispatch) cannot be run by request. For such a one the run counts that a
    push of the branch's newest commit has started. It is waited for as well.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
attributes:
  idempotent:
    description: Each time is another run, where the workflow can be run by request.
    support: partial
options:
  workflow:
    description: File name of the workflow below C(.github/workflows).
    type: str
    required: true
  ref:
    description: Branch to run it on. Without it, O(github.branch), or the repository's default branch.
    type: str
  inputs:
    description: The workflow's inputs.
    type: dict
    default: {}
  timeout:
    description: Seconds to wait for the run's end.
    type: int
    default: 3600
  targets:
    description: What the run has to come to beside success.
    type: dict
    default: {}
    suboptions:
      seconds:
        description: Seconds that it may take.
        type: int
      coverage:
        description: Percent that has to be covered.
        type: float
      artifacts:
        description: How many artifacts it has to leave.
        type: int
  reports:
    description: Patterns of the names of artifacts that hold reports.
    type: list
    elements: str
    default: ['*coverage*', '*test*', '*junit*', '*report*']
  lacks:
    description: Words, in any case, that no workflow file of O(ref) may hold.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Prove that CI works again
  tiered.rollback.ci_verify:
    github: "{{ rollback_stack.github }}"
    workflow: ci.yml
    targets:
      seconds: 900
      coverage: 80
      artifacts: 1
"""

RETURN = r"""
proof:
  description: What the run came to. Null in check mode.
  returned: success, and failure once the run has ended
  type: dict
  contains:
    file: {description: File name of the workflow., type: str}
    conclusion: {description: "V(success), V(failure) or another.", type: str}
    seconds: {description: Seconds that it took., type: float}
    coverage: {description: "Percent, as its report says; null where it left none.", type: float}
    artifacts: {description: Names of what it left., type: list, elements: str}
    url: {description: Its page., type: str}
    remarks: {description: "What could not be read, and why.", type: list, elements: str}
missed:
  description: What was missed, in words.
  returned: success, and failure once the run has ended
  type: list
  elements: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ci_reports,
    _ci_swap,
    _ci_triggers,
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
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import WorkflowRun

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "workflow": {"type": "str", "required": True},
    "ref": {"type": "str"},
    "inputs": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 3600},
    "targets": {
        "type": "dict",
        "default": {},
        "options": {
            "seconds": {"type": "int"},
            "coverage": {"type": "float"},
            "artifacts": {"type": "int"},
        },
    },
    "reports": {"type": "list", "elements": "str", "default": ["*coverage*", "*test*", "*junit*", "*report*"]},
    "lacks": {"type": "list", "elements": "str", "default": []},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Run CI and judge the run, or in check mode say that this could be done."""
    params = module.params
    if params["timeout"] < 1:
        raise RollbackError(f"timeout must be at least 1, not {params['timeout']}", "3600 is the default.")
    github, file = _github.given(params), params["workflow"]
    ref = _names.branch(params["ref"], "ref") if params["ref"] else _github_tree.branch(github)
    inputs = _github_workflows.inputs(params["inputs"])
    dispatched = _github_workflows.dispatchable(github, file, ref)
    if dispatched:
        _workflow.check_inputs(dispatched, inputs)
    _refuse_words(github, params["lacks"], ref)
    action = f"run {file} on {ref}" if dispatched else f"wait for the run of {file} that a push to {ref} started"
    if module.check_mode:
        return {**_module.acted([action] if dispatched else []), "proof": None, "missed": [], "actions": [action]}
    if dispatched:
        run = _github_runs.wait(github, _github_workflows.dispatch(github, file, ref, inputs), params["timeout"])
    else:
        run = _pushed(github, file, ref, params["timeout"])
    judged = _judged(github, run, params)
    if judged["missed"]:
        how = "the same command tries again" if dispatched else "run it again there, and then the same command"
        raise RollbackError(
            f"{run.describe()} proves nothing: {'; '.join(judged['missed'])}",
            f"See {run.url}; {how}.",
            **judged,
            changed=bool(dispatched),
        )
    return {**_module.acted([action] if dispatched else []), **judged, "actions": [action]}


def _refuse_words(github: GitHub, lacks: Sequence[str], ref: str) -> None:
    words = [word.lower() for word in lacks]
    if not words:
        return
    tree = _github_tree.ApiTree(github)
    blobs = {path: entry.blob for path, entry in tree.entries(ref).items() if _ci_swap.is_workflow(path)}
    held, _pull = tree.read(list(blobs.values()), ref)
    found = [
        f"{path} has {word!r}"
        for path, blob in sorted(blobs.items())
        for word in words
        if word.encode() in held[blob].lower()
    ]
    if found:
        raise RollbackError(f"on {ref}, {'; '.join(found)}", "Take these files back too.", missed=found, proof=None)


def _pushed(github: GitHub, file: str, ref: str, timeout: int) -> WorkflowRun:
    commit = _github_tree.ApiTree(github).head(ref).commit
    found = _github_runs.wait_for(github, file, timeout, head_sha=commit)
    if not found:
        raise RollbackError(
            f"no run of {file} was started for {commit[:12]}, the newest commit of {ref}",
            "It has no trigger workflow_dispatch, and a push by a workflow's own token (GITHUB_TOKEN) starts none. "
            "Verify by another workflow.",
        )
    return found[0]


def _judged(github: GitHub, run: WorkflowRun, params: Mapping[str, Any]) -> dict[str, Any]:
    artifacts = _github_runs.artifacts(github, run.id).get(run.id, [])
    reports = _ci_reports.read(github, artifacts, params["reports"])
    targets = {name: value for name, value in params["targets"].items() if value is not None}
    missed = [] if run.conclusion == "success" else [f"it did not succeed ({run.conclusion or run.status})"]
    missed += _ci_triggers.unmet(run.seconds, reports.coverage, len(artifacts), targets)
    proof = {
        "file": run.file,
        "conclusion": run.conclusion,
        "seconds": run.seconds,
        "coverage": reports.coverage,
        "artifacts": [artifact.name for artifact in artifacts],
        "url": run.url,
        "remarks": list(reports.remarks),
    }
    return {"proof": proof, "missed": missed}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
