# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout whose tests run in Docker is validated by the playbook, on the real engine."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils._ci_project import LABEL, CiProject
from ansible_collections.tiered.rollback.tests.support import engine, images, playbook
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.processes import kill_when

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
RUNS = ["build without cache", "build with cache", "tests", "artifacts", "junit", "coverage"]


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

    def start(self) -> Any:
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


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path)
    yield made
    assert made.left() == []


def test_all_is_well_and_nothing_is_left(checkout: Checkout) -> None:
    done = checkout.validate().ok()
    report = checkout.report()
    assert (report["total"], report["passed"], report["success_rate"]) == (12, 12, 100)
    assert (report["failed"], report["skipped"], report["project_src"]) == (0, 0, str(checkout.source))
    details = {check["name"]: check["found"] for check in report["checks"]}
    assert details["junit"] == "2 tests, 0 failures, 0 errors, 0 skipped"
    assert details["coverage"] == "85 %"
    assert details["compose file"] == "services db, test"
    # The image sleeps a second where the cache is not used.
    assert 0 < report["cache_ratio"] < 0.9
    assert "12 of 12 checks passed" in done.said


def test_check_mode_builds_runs_and_writes_nothing(checkout: Checkout) -> None:
    done = checkout.validate("--check", "--diff").ok()
    assert "5 of 12 checks passed" in done.said
    assert "check mode" in done.said
    assert sorted(path.name for path in checkout.source.rglob("*") if path.is_file()) == sorted(
        [".keep", "Dockerfile", "ci.yml", "docker-compose.test.yml", "run-tests"]
    )


@pytest.mark.parametrize(
    ("tests", "failed", "says"),
    [
        (
            {"code": 3, "junit_xml": "<testsuite><testcase><failure/></testcase></testsuite>"},
            ["tests", "junit"],
            "code 3",
        ),
        ({"coverage_xml": '<coverage lines-valid="1000" lines-covered="799"/>'}, ["coverage"], "coverage: 79.9 %"),
        ({"log_txt": ""}, ["artifacts"], "reports/log.txt is not there"),
    ],
    ids=["a test fails", "coverage is too low", "an artifact is missing"],
)
def test_what_the_tests_do_not_bring_is_named(
    checkout: Checkout, tests: dict[str, Any], failed: list[str], says: str
) -> None:
    checkout.tests(**tests)
    done = checkout.validate()
    assert done.rc == 2
    assert f"{len(failed)} of 12 checks failed" in done.said
    assert says in done.said
    assert "HINT: Correct the first of them" in done.said
    assert (checkout.checks(failed=True), checkout.checks(skipped=True)) == (failed, [])


def test_reports_of_an_earlier_run_do_not_count(checkout: Checkout) -> None:
    for name, text in WRITES.items():
        checkout.write(f"reports/{name}", text)
    checkout.tests(log_txt="", junit_xml="", coverage_xml="")
    assert "was not written by this run" in checkout.validate().said
    assert checkout.checks(failed=True) == ["artifacts", "junit", "coverage"]


def test_a_compose_file_that_is_not_valid_shows_no_secret(checkout: Checkout) -> None:
    checkout.compose(env_file=["test.env"], colour="red")
    checkout.write("test.env", "PASSWORD=hunter2\n")
    done = checkout.validate()
    assert done.rc == 2
    assert "compose file: " in done.said
    assert "colour" in done.said
    assert "hunter2" not in done.output
    assert (checkout.checks(failed=True), checkout.checks(skipped=True)) == (["compose file"], [*RUNS, "clean-up"])


def test_a_workflow_file_that_is_not_valid_fails_and_the_tests_run_all_the_same(checkout: Checkout) -> None:
    checkout.write(".github/workflows/broken.yml", "on: push\njobs: {test: [}\n")
    done = checkout.validate()
    assert ".github/workflows/broken.yml, line 2 is no YAML" in done.said
    assert (checkout.checks(failed=True), checkout.checks(skipped=True)) == (["workflow files"], [])


def test_an_image_that_does_not_build_is_quoted(checkout: Checkout) -> None:
    checkout.write("Dockerfile", f"FROM {images.BASE}\nRUN echo 'no such part' >&2; exit 7\n")
    assert "no such part" in checkout.validate().said
    assert checkout.checks(failed=True) == ["build without cache"]
    assert checkout.checks(skipped=True) == RUNS[1:]


def test_tests_that_hang_are_stopped(checkout: Checkout) -> None:
    checkout.variables["ci_validate_test_budget"] = 1
    checkout.tests(wait=600)
    done = checkout.validate()
    assert "took longer than 3 s" in done.said
    assert checkout.checks(failed=True) == ["tests"]
    assert checkout.checks(skipped=True) == ["artifacts", "junit", "coverage"]


def test_what_takes_longer_than_its_budget_fails_and_is_brought_to_its_end(checkout: Checkout) -> None:
    checkout.variables["ci_validate_test_budget"] = 2
    checkout.tests(wait=2)
    assert checkout.validate().rc == 2
    assert (checkout.checks(failed=True), checkout.checks(skipped=True)) == (["tests"], [])


def test_an_engine_that_does_not_answer_is_named(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.validate(env={"DOCKER_HOST": f"unix://{tmp_path}/dead.sock"})
    assert done.rc == 2
    assert "engine: docker version --format failed" in done.said
    assert "Start the Docker engine" in done.said
    assert (checkout.checks(failed=True), checkout.checks(skipped=True)) == (["engine"], [*RUNS, "clean-up"])
    assert len(checkout.checks()) == 4


def test_a_run_that_was_killed_leaves_only_what_is_labelled_and_the_next_removes_it(checkout: Checkout) -> None:
    checkout.tests(wait=60)
    assert kill_when(checkout.start(), lambda: checkout.labelled() == 2, 0)
    assert checkout.labelled() == 2
    checkout.tests()
    checkout.validate().ok()
