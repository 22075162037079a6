#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_run_cancel
short_description: Cancel the runs of GitHub workflows that are under way
version_added: 1.0.0
description:
  - Cancels every run that has not ended and that matches, except those of O(protected) workflows, and waits until they
    have ended. A run that ends by itself meanwhile is none to complain about.
  - What does not end within O(force_after) is cancelled by force, which leaves out its steps that run C(always()).
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
options:
  workflows:
    description: File names of the workflows whose runs are cancelled. Without it, those of all.
    type: list
    elements: str
    default: []
  branch:
    description: Only runs on this branch. Without it, on all.
    type: str
  statuses:
    description: Only runs in one of these states.
    type: list
    elements: str
    choices: [queued, in_progress, waiting, pending, requested]
    default: [queued, in_progress, waiting, pending, requested]
  protected:
    description:
      - File names of workflows that are left alone, as patterns. A deployment that is cut off in the middle is worse
        than a wasted runner.
    type: list
    elements: str
    default: ['*deploy*', '*release*', '*rollback*']
  force_after:
    description: Seconds that the runs have to end before they are cancelled by force.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Stop what uses the broken workflow files
  tiered.rollback.github_run_cancel:
    github: "{{ rollback_stack.github }}"
    workflows: [ci.yml, ci-fast.yml, test-full.yml]
    branch: main
"""

RETURN = r"""
cancelled:
  description: Runs that were cancelled, or would be.
  returned: success
  type: list
  elements: dict
  contains: &run
    id: {description: Its id., type: int}
    file: {description: "File name of its workflow.", type: str}
    branch: {description: Its branch., type: str}
    status: {description: "Its state when it was found.", type: str}
    url: {description: Its page., type: str}
forced:
  description: Ids of those that were cancelled by force.
  returned: success
  type: list
  elements: int
left_alone:
  description: Runs under way that matched, but belong to a protected workflow.
  returned: success
  type: list
  elements: dict
  contains: *run
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _github, _github_runs, _github_workflows, _module
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import WorkflowRun

_STATUSES = ["queued", "in_progress", "waiting", "pending", "requested"]
OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "workflows": {"type": "list", "elements": "str", "default": []},
    "branch": {"type": "str"},
    "statuses": {"type": "list", "elements": "str", "choices": _STATUSES, "default": _STATUSES},
    "protected": {"type": "list", "elements": "str", "default": ["*deploy*", "*release*", "*rollback*"]},
    "force_after": {"type": "int", "default": 60},
}
_MOST = 1000
#: Seconds that a run cancelled by force may take to end.
_FORCED = 60


def act(module: AnsibleModule) -> dict[str, Any]:
    """Cancel what is under way, or in check mode say what that is."""
    params = module.params
    if params["force_after"] < 0:
        raise RollbackError(f"force_after must not be negative: {params['force_after']}", "60 is the default.")
    github = _github.given(params)
    found = _under_way(github, params["workflows"], params["branch"], params["statuses"])
    spared = [run for run in found if any(fnmatchcase(run.file, pattern) for pattern in params["protected"])]
    doomed = [run for run in found if run not in spared]
    forced: list[int] = []
    if not module.check_mode:
        # Whatever GitHub says to it: an answer that got lost comes back as one that there is nothing to cancel.
        asked = [run.id for run in doomed]
        for number in asked:
            _github_runs.cancel(github, number)
        forced = _still_going(github, asked, params["force_after"])
        for number in forced:
            _github_runs.cancel(github, number, force=True)
        if left := _still_going(github, forced, _FORCED):
            raise RollbackError(
                f"{len(left)} runs do not end, cancelled by force as they are: {', '.join(map(str, left))}",
                "See them on the repository's Actions page; GitHub's support can end them.",
            )
    return {
        **_module.acted([f"cancel {run.describe()}" for run in doomed]),
        "cancelled": [_told(run) for run in doomed],
        "forced": forced,
        "left_alone": [_told(run) for run in spared],
    }


def _under_way(github: GitHub, files: Sequence[str], branch: str | None, statuses: Sequence[str]) -> list[WorkflowRun]:
    for file in files:
        _github_workflows.workflow(github, file)
    # The list takes one status at a time, and most have no run.
    found = [run for status in statuses for run in _github_runs.runs(github, most=_MOST, status=status, branch=branch)]
    # One that moved on between two questions is in both answers.
    unique = {run.id: run for run in found}
    return [run for run in unique.values() if not files or run.file in files]


def _still_going(github: GitHub, numbers: Sequence[int], seconds: float) -> list[int]:
    """Those of the runs that have not ended after so many seconds; all are looked at by one request."""
    left = list(numbers)
    for remaining in _github_runs.looks(seconds) if left else ():
        listed = {run.id: run for run in _github_runs.runs(github)}
        # One that is older than the newest hundred is looked at by itself.
        left = [number for number in left if not (listed.get(number) or _github_runs.run(github, number)).ended]
        if not left or not remaining:
            break
    return left


def _told(run: WorkflowRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in ("id", "file", "branch", "status", "url")}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
