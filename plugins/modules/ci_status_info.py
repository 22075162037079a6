#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_status_info
short_description: Say how a repository's CI is, and what that calls for
version_added: 1.0.0
description:
  - Measures the newest hundred runs on a branch, compares them with limits and with a baseline, and says what the
    decision matrix advises. Asks GitHub five times at most (six where O(github.branch) is not given and a report is
    read for more than one workflow), however many runs there are.
  - The limits are those of the documents; RV(triggers) says which were crossed, and O(limits) replaces any of them.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
options:
  workflows:
    description:
      - File names of the workflows that CI consists of. Without it, all that ran on the branch.
    type: list
    elements: str
    default: []
  baseline:
    description:
      - What RV(metrics) was when all was well, by the workflow's file name. Without one, nothing is compared with it.
    type: dict
    default: {}
  limits:
    description:
      - Limits to use in place of a trigger's own, by the trigger's name. Times are in seconds, shares in percent.
    type: dict
    default: {}
  coverage_artifacts:
    description: Patterns of the names of artifacts that hold a coverage report.
    type: list
    elements: str
    default: ['*coverage*']
  report_artifacts:
    description: Patterns of the names of other artifacts that hold test reports to read.
    type: list
    elements: str
    default: []
  build_jobs:
    description: Patterns of the names of jobs that build an image.
    type: list
    elements: str
    default: ['*build*', '*docker*', '*image*']
  reports:
    description:
      - Of how many workflows, in the order of O(workflows), the newest run's reports are read. Each artifact is a
        request of its own.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: See how CI is
  tiered.rollback.ci_status_info:
    github: "{{ rollback_stack.github }}"
    workflows: [ci.yml, ci-fast.yml, test-full.yml]
  register: ci

- name: Compare with what it was when all was well
  tiered.rollback.ci_status_info:
    github: "{{ rollback_stack.github }}"
    baseline: "{{ ci.metrics }}"
"""

RETURN = r"""
repository:
  description: The repository that was looked at.
  returned: success
  type: str
clone_url:
  description: URL that git finds it at.
  returned: success
  type: str
branch:
  description: The branch that was looked at.
  returned: success
  type: str
metrics:
  description: The figures of each workflow, by its file name. Keep them as O(baseline) when all is well.
  returned: success
  type: dict
  contains:
    runs: {description: Runs that ended with a verdict., type: int}
    failed_in_row: {description: How many of the newest failed., type: int}
    pass_rate: {description: Percent that succeeded., type: float}
    seconds: {description: What the newest took., type: float}
    median_seconds: {description: What those that succeeded took., type: float}
    coverage: {description: "Percent, as the newest report says.", type: float}
    coverage_missing_in_row: {description: How many of the newest left no coverage report., type: int}
    build_failed_in_row: {description: How many of the newest failed to build an image., type: int}
    artifact_rate: {description: Percent of those that succeeded which left an artifact., type: float}
    test_failure_rate: {description: Percent of the tests in the newest report that failed., type: float}
triggers:
  description: The limits that are crossed, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    workflow: {description: File name of the workflow., type: str}
    name: {description: The trigger's name., type: str}
    measure: {description: The figure., type: str}
    value: {description: Its value., type: float}
    limit: {description: Its limit., type: float}
    above: {description: "Whether beyond is above the limit, not below it.", type: bool}
    severity: {description: "V(critical), V(high), V(medium), V(low), or V(none) for no rollback.", type: str}
    issue: {description: "What it is to the decision matrix, such as V(ci_slow).", type: str}
    alert: {description: V(critical) or V(warning)., type: str}
    meaning: {description: What that means., type: str}
advice:
  description: What the decision matrix says to the worst of them.
  returned: success
  type: dict
  contains:
    severity: {description: The worst severity., type: str}
    action: {description: What to do., type: str}
    within: {description: Seconds until it should be done; null where there is no hurry., type: int}
    approver: {description: Who has to agree., type: str}
in_flight:
  description: Runs on the branch that have not ended, as C(runs) of M(tiered.rollback.github_run_info).
  returned: success
  type: list
  elements: dict
pull_requests:
  description: Open pull requests.
  returned: success
  type: list
  elements: dict
  contains:
    number: {description: Its number., type: int}
    title: {description: Its title., type: str}
    branch: {description: What it would merge., type: str}
    base: {description: Where to., type: str}
    url: {description: Its page., type: str}
    blocked: {description: Whether a check of its newest commit failed., type: bool}
remarks:
  description: What could not be read, and why.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ci_metrics,
    _ci_reports,
    _ci_triggers,
    _github,
    _github_runs,
    _github_tree,
    _module,
    _triggers,
)
from ansible_collections.tiered.rollback.plugins.module_utils._ci_metrics import Names
from ansible_collections.tiered.rollback.plugins.module_utils._ci_reports import Reports
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import Artifact, Job, WorkflowRun

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "workflows": {"type": "list", "elements": "str", "default": []},
    "baseline": {"type": "dict", "default": {}},
    "limits": {"type": "dict", "default": {}},
    "coverage_artifacts": {"type": "list", "elements": "str", "default": ["*coverage*"]},
    "report_artifacts": {"type": "list", "elements": "str", "default": []},
    "build_jobs": {"type": "list", "elements": "str", "default": ["*build*", "*docker*", "*image*"]},
    "reports": {"type": "int", "default": 1},
}
_LISTED = 100


def act(module: AnsibleModule) -> dict[str, Any]:
    """Measure, compare and advise."""
    params, github = module.params, _github.given(module.params)
    limits = _ci_triggers.limits(params["limits"])
    branch = _github_tree.branch(github)
    found = _github_runs.runs(github, branch=branch)
    if not found:
        # A branch that is not there has no run either, and is not well for that.
        _github_tree.ApiTree(github).head(branch)
    jobs, pulls = _github_runs.jobs_and_pulls(github, found)
    artifacts = _github_runs.artifacts(github) if found else {}
    names = Names(coverage=tuple(params["coverage_artifacts"]), build=tuple(params["build_jobs"]))
    files = params["workflows"] or sorted({run.file for run in found})
    by_file = {file: [run for run in found if run.file == file] for file in files}
    reports = _reports(github, by_file, artifacts, [*names.coverage, *params["report_artifacts"]], params["reports"])
    # Only the newest hundred are listed: what an older run left is not known then.
    known_from = min(artifacts) if sum(map(len, artifacts.values())) >= _LISTED else 0
    left = {number: [artifact.name for artifact in each] for number, each in artifacts.items()}
    metrics = {
        file: _ci_metrics.measure(
            runs,
            jobs,
            left,
            names,
            known_from=known_from,
            coverage=reports[file].coverage,
            tests=reports[file].tests,
        )
        for file, runs in by_file.items()
    }
    triggers = [
        {"workflow": file, **trigger}
        for file, measured in metrics.items()
        for trigger in _ci_triggers.crossed(measured, params["baseline"].get(file), limits)
    ]
    triggers.sort(key=lambda each: -_triggers.SEVERITIES.index(each["severity"]))
    return {
        "changed": False,
        "repository": github.api.repository,
        "clone_url": github.api.clone_url,
        "branch": branch,
        "metrics": {file: asdict(measured) for file, measured in metrics.items()},
        "triggers": triggers,
        "advice": _ci_triggers.advise(triggers),
        "in_flight": [_github_runs.told(run) for run in found if not run.ended and run.file in by_file],
        "pull_requests": [asdict(pull) for pull in pulls],
        "remarks": [
            *_unseen(found, jobs),
            *_unrun(by_file, branch),
            *(remark for each in reports.values() for remark in each.remarks),
        ],
    }


def _unseen(found: Sequence[WorkflowRun], jobs: Mapping[int, Sequence[Job]]) -> list[str]:
    """Say what the token kept from being measured: to a fine-grained one GitHub gives no permission for checks."""
    if all(run.id in jobs for run in found):
        return []
    return ["the token may not read checks, so builds that fail and pull requests that are blocked are not all known"]


def _unrun(by_file: Mapping[str, Sequence[WorkflowRun]], branch: str) -> list[str]:
    """Say which of the workflows asked for cannot be judged; their names may be wrong."""
    return [
        f"none of the newest {_LISTED} runs on {branch} is one of {file}" for file, runs in by_file.items() if not runs
    ]


def _reports(
    github: GitHub,
    by_file: Mapping[str, Sequence[WorkflowRun]],
    artifacts: Mapping[int, Sequence[Artifact]],
    patterns: Sequence[str],
    most: int,
) -> dict[str, Reports]:
    """Return what the newest run of each workflow that left artifacts says of itself, for as many as are asked for."""
    read: dict[str, Reports] = {}
    for file, runs in by_file.items():
        newest = next((run.id for run in runs if artifacts.get(run.id)), None)
        wanted = newest is not None and sum(1 for each in read.values() if each != Reports()) < most
        read[file] = _ci_reports.read(github, artifacts[newest], patterns) if wanted and newest else Reports()
    return read


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
