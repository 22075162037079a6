# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout whose tests run in Docker is validated by the playbook, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import images
from ansible_collections.tiered.rollback.tests.support.ci_checkout import WRITES, Checkout
from ansible_collections.tiered.rollback.tests.support.processes import kill_when

RUNS = ["build without cache", "build with cache", "tests", "artifacts", "junit", "coverage"]


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
