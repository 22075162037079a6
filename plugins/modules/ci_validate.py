#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_validate
short_description: Check that tests run in Docker as CI needs them
version_added: 1.0.0
description:
  - Checks a checkout on the target, one thing after the other. The engine, Compose and buildx answer; the Compose file
    and the workflow files are valid; the images build, without cache and with it; the tests succeed in their service;
    they leave the artifacts, the JUnit report and the coverage that are asked for. Fails at the end when a check does.
  - What cannot be checked because an earlier check failed is skipped, and never well.
  - Builds and runs in a Compose project of its own, C(tiered-rollback-ci-...), and removes its containers (labelled
    C(tiered.rollback.ci)), networks, volumes and images. An image that the Compose file names is built under that name,
    as CI does.
  - In check mode nothing is built, run or written; those checks are skipped.
options:
  project_src:
    description: The checkout; a directory on the target.
    type: path
    required: true
  compose_file:
    description: The Compose file of the tests, relative to O(project_src).
    type: str
    default: docker-compose.test.yml
  service:
    description: The service that runs the tests.
    type: str
    default: test
  workflow_checks:
    description: What is checked of the files in C(.github/workflows); see M(tiered.rollback.workflow_info).
    type: list
    elements: str
    choices: [schema, security, pins]
    default: [schema, security, pins]
  artifacts:
    description: Files below O(project_src) that the tests have to write. What an earlier run left does not count.
    type: list
    elements: str
    default: []
  junit:
    description: JUnit report that the tests have to write. Tests must have run, and none may have failed.
    type: str
  coverage:
    description:
      - Coverage report that the tests have to write. Cobertura (C(.xml)), JSON of coverage.py (C(.json)) or LCOV
        (C(.info) or C(.lcov)).
    type: str
  coverage_minimum:
    description: Least percentage of O(coverage).
    type: float
    default: 80
  build_budget:
    description: Most seconds that a build may take. One that takes thrice as long is stopped.
    type: int
    default: 120
  test_budget:
    description: Most seconds that the tests may take. A run that takes thrice as long is stopped.
    type: int
    default: 300
  report:
    description: File that the report is written to, as JSON; absolute, or relative to O(project_src).
    type: path
requirements:
  - docker compose >= 2.20 and docker buildx (on the target)
  - check-jsonschema, zizmor and PyYAML (Python packages on the target)
author:
  - The tiered.rollback authors (@tiered)
attributes:
  check_mode:
    description: Checks what can be checked without building, running or writing anything.
    details: The other checks are skipped, so a run that is well may follow all the same, or one that is not.
    support: partial
  diff_mode:
    description: There is nothing to show.
    support: none
  idempotent:
    description: It builds and runs each time.
    support: none
"""

EXAMPLES = r"""
- name: Check that CI can run the tests again
  tiered.rollback.ci_validate:
    project_src: /srv/checkouts/udo
    artifacts: [reports/log.txt]
    junit: reports/junit.xml
    coverage: reports/coverage.xml
    report: docker_ci_validation_report.json
"""

RETURN = r"""
report:
  description: What O(report) is written with.
  returned: always
  type: dict
  contains:
    created: {description: When the checks began; UTC in ISO 8601., type: str}
    project_src: {description: The checkout., type: str}
    total: {description: How many checks there are., type: int}
    passed: {description: How many are well., type: int}
    failed: {description: How many are not., type: int}
    skipped: {description: How many could not be done., type: int}
    success_rate: {description: Percentage of all checks that are well., type: float}
    cache_ratio:
      description: Time of the build with cache as a part of that without. Null where either was not done.
      type: float
    checks:
      description: Every check with C(name), C(expected), C(found), C(ok), C(skipped) and C(seconds).
      type: list
      elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_steps, _files, _module, _workflow_check
from ansible_collections.tiered.rollback.plugins.module_utils._ci_steps import Wanted
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS = {
    "project_src": {"type": "path", "required": True},
    "compose_file": {"type": "str", "default": "docker-compose.test.yml"},
    "service": {"type": "str", "default": "test"},
    "workflow_checks": {
        "type": "list",
        "elements": "str",
        "choices": list(_workflow_check.CHECKS),
        "default": list(_workflow_check.CHECKS),
    },
    "artifacts": {"type": "list", "elements": "str", "default": []},
    "junit": {"type": "str"},
    "coverage": {"type": "str"},
    "coverage_minimum": {"type": "float", "default": 80},
    "build_budget": {"type": "int", "default": 120},
    "test_budget": {"type": "int", "default": 300},
    "report": {"type": "path"},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Check everything, write the report, and fail where a check does not hold."""
    params = dict(module.params)
    source = Path(params["project_src"])
    if not source.is_dir():
        raise RollbackError(f"{source} is no directory", "Name a checkout on the target as project_src.")
    place = source / params.pop("report") if params["report"] else params.pop("report")
    if place and not place.parent.is_dir():
        raise RollbackError(
            f"the report cannot be written: {place.parent} is no directory", "Make it, or name another."
        )
    checks, ratio = _ci_steps.validate(Wanted(**params), check_mode=module.check_mode)
    report = {"project_src": str(source), "cache_ratio": ratio, **checks.report()}
    if place and not module.check_mode:
        _files.write(place, _files.dump_json(report), mode=0o644)
    if report["failed"]:
        raise RollbackError(
            f"{report['failed']} of {report['total']} checks failed: {checks.failures()}",
            "Correct the first of them, since others may follow from it, and run ci-validate.yml again.",
            report=report,
        )
    return {"changed": True, "report": report}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
