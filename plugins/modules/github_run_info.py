#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_run_info
short_description: Look at the runs of GitHub workflows
version_added: 1.0.0
description:
  - Returns runs with their jobs and artifacts, and, of the newest of them, what the coverage and JUnit reports say that
    it left as artifacts.
  - With O(wait) it waits for the newest run that matches to appear and to end, such as the run that a push of the
    commit O(sha) started.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
options:
  id:
    description: Only the run of this id.
    type: int
  workflow:
    description: Only runs of the workflow in this file below C(.github/workflows).
    type: str
  branch:
    description: Only runs on this branch.
    type: str
  sha:
    description: Only runs of this commit.
    type: str
  status:
    description: Only runs with this status or conclusion, as GitHub calls it, such as V(in_progress) or V(failure).
    type: str
  limit:
    description: How many runs to return, the newest first.
    type: int
    default: 20
  reports:
    description: Patterns of the names of artifacts that hold reports; an empty list reads none.
    type: list
    elements: str
    default: ['*coverage*', '*test*', '*junit*', '*report*']
  wait:
    description: Seconds to wait for the newest run to appear and to end.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: See how the newest runs on main went
  tiered.rollback.github_run_info:
    github: "{{ rollback_stack.github }}"
    workflow: ci.yml
    branch: main
    limit: 10
  register: recent

- name: Wait for the run that a push has started
  tiered.rollback.github_run_info:
    github: "{{ rollback_stack.github }}"
    workflow: ci.yml
    sha: "{{ swapped.after }}"
    limit: 1
    wait: 1800
"""

RETURN = r"""
runs:
  description: The runs, newest first.
  returned: success
  type: list
  elements: dict
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
    jobs:
      description: Its jobs.
      type: list
      elements: dict
      contains:
        name: {description: Its name., type: str}
        conclusion: {description: As that of a run; null until it has ended., type: str}
        seconds: {description: Seconds that it took; null until it has ended., type: float}
    artifacts: {description: Names of what it left and what has not expired., type: list, elements: str}
reports:
  description: What the reports of the newest run say. Null where there is no run, and where none were asked for.
  returned: success
  type: dict
  contains:
    coverage: {description: Percent of the lines that are covered; null where no report says so., type: float}
    tests:
      description: Counts of the tests; null where no report has them.
      type: dict
      contains:
        tests: {description: All of them., type: int}
        failures: {description: Those with a wrong result., type: int}
        errors: {description: Those that broke., type: int}
        skipped: {description: Those left out., type: int}
        seconds: {description: What they took., type: float}
    remarks: {description: "What could not be read, and why.", type: list, elements: str}
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ci_reports,
    _github,
    _github_runs,
    _github_workflows,
    _module,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import WorkflowRun

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "id": {"type": "int"},
    "workflow": {"type": "str"},
    "branch": {"type": "str"},
    "sha": {"type": "str"},
    "status": {"type": "str"},
    "limit": {"type": "int", "default": 20},
    "reports": {"type": "list", "elements": "str", "default": ["*coverage*", "*test*", "*junit*", "*report*"]},
    "wait": {"type": "int", "default": 0},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Return the runs."""
    params = module.params
    if not 1 <= params["limit"] <= 100:
        raise RollbackError(f"limit must be from 1 to 100, not {params['limit']}", "20 is the default.")
    github = _github.given(params)
    found = _find(github, params)
    jobs = _github_runs.jobs(github, found)
    artifacts = _github_runs.artifacts(github, found[0].id if len(found) == 1 else None) if found else {}
    reports = None
    if found and params["reports"]:
        reports = asdict(_ci_reports.read(github, artifacts.get(found[0].id, []), params["reports"]))
    return {
        "changed": False,
        "runs": [
            {
                **_github_runs.told(run),
                "jobs": [asdict(job) for job in jobs.get(run.id, [])],
                "artifacts": [artifact.name for artifact in artifacts.get(run.id, [])],
            }
            for run in found
        ],
        "reports": reports,
    }


def _find(github: GitHub, params: Mapping[str, Any]) -> list[WorkflowRun]:
    """Return the runs that match, when the newest has ended or the time is up."""
    if params["id"]:
        return [_github_runs.wait(github, params["id"], params["wait"])]
    if params["workflow"]:
        _github_workflows.workflow(github, params["workflow"])
    query = {"branch": params["branch"], "head_sha": params["sha"], "status": params["status"]}
    return _github_runs.wait_for(github, params["workflow"], params["wait"], most=params["limit"], **query)


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS, mutually_exclusive=[("id", each) for each in ("workflow", "branch", "sha", "status")])


if __name__ == "__main__":
    main()
