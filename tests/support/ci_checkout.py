# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout whose tests run in Docker, as ``ci-validate.yml`` validates it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.tiered.rollback.plugins.module_utils._ci_project import LABEL, CiProject
from ansible_collections.tiered.rollback.tests.support import engine, images, playbook
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome

WORKFLOW = """
on: push
permissions: {}
jobs:
  test: {runs-on: ubuntu-latest, steps: [{run: docker compose -f docker-compose.test.yml run --rm test}]}
"""
DOCKERFILE = f"""
FROM {images.BASE}
RUN sleep 1
COPY run-tests /run-tests
CMD ["/bin/sh", "/run-tests"]
"""
WRITES = {
    "junit.xml": "<testsuite><testcase/><testcase/></testsuite>",
    "coverage.xml": '<coverage lines-valid="1000" lines-covered="850" line-rate="0.85"/>',
    "log.txt": "done",
}


class Checkout:
    """A checkout with a Compose file, whose tests need a database and write their reports into ``reports``."""

    def __init__(self, directory: Path) -> None:
        self.source = directory / "checkout"
        self._home, self._inventory = directory / "ansible", directory / "inventory.json"
        self.project = CiProject(str(self.source), "docker-compose.test.yml", "test").name
        #: What the inventory says of the checkout; tests change it as they need.
        self.variables: dict[str, Any] = {
            "ci_validate_directory": str(self.source),
            "ci_validate_artifacts": ["reports/log.txt"],
            "ci_validate_junit": "reports/junit.xml",
            "ci_validate_coverage": "reports/coverage.xml",
        }
        self.write(".github/workflows/ci.yml", WORKFLOW)
        self.write("Dockerfile", DOCKERFILE)
        self.write("reports/.keep", "")
        self.tests()
        self.compose()

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def tests(self, code: int = 0, wait: int = 0, **writes: str) -> None:
        """Say what the tests write instead of :data:`WRITES`, where an empty text is no file, and how they end."""
        files = {**WRITES, **{name.replace("_", "."): text for name, text in writes.items()}}
        lines = [f"printf %s {shlex.quote(text)} >/reports/{name}" for name, text in files.items() if text]
        self.write("run-tests", "\n".join([f"sleep {wait}", *lines, f"exit {code}\n"]))

    def compose(self, **extra: Any) -> None:
        """Write the Compose file, with keys of our own for the service that runs the tests."""
        build = {"context": ".", "network": "none"}
        check = {"test": ["CMD", "true"], "interval": "200ms", "start_period": "5s"}
        database = {"build": build, "command": ["sleep", "600"], "volumes": ["data:/data"], "healthcheck": check}
        needs = {"db": {"condition": "service_healthy"}}
        test = {"build": build, "depends_on": needs, "volumes": ["./reports:/reports"], **extra}
        services = {"test": test, "db": {**database, "init": True}}
        self.write("docker-compose.test.yml", json.dumps({"services": services, "volumes": {"data": {}}}))

    def inventory(self) -> Path:
        """Write the inventory as a user would."""
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **self.variables}
        self._inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": host}}}))
        return self._inventory

    def validate(self, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
        """Run the playbook."""
        return playbook.run("ci-validate.yml", self.inventory(), self._home, *arguments, env=env)

    def start(self) -> subprocess.Popen[str]:
        """Start the playbook."""
        return playbook.start("ci-validate.yml", self.inventory(), self._home)

    def report(self) -> dict[str, Any]:
        """The report of the last run."""
        return dict(json.loads((self.source / "docker_ci_validation_report.json").read_text()))

    def checks(self, *, failed: bool = False, skipped: bool = False) -> list[str]:
        """Names of the checks of the last report that failed or were skipped."""
        wanted = (False, skipped) if failed or skipped else (True, False)
        return [each["name"] for each in self.report()["checks"] if (each["ok"], each["skipped"]) == wanted]

    def labelled(self) -> int:
        """How many containers carry the project's label."""
        return len(engine.docker("ps", "-q", "--filter", f"label={LABEL}={self.project}").split())

    def left(self) -> list[str]:
        """Everything on the engine that is the project's."""
        of = ["-q", "--filter", f"label=com.docker.compose.project={self.project}"]
        kinds = (["container", "ls", "-a"], ["network", "ls"], ["volume", "ls"], ["image", "ls", "-a"])
        return "\n".join(engine.docker(*kind, *of) for kind in kinds).split()
