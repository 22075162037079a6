# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_steps, _workflow_check
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Check
from ansible_collections.tiered.rollback.plugins.module_utils._ci_steps import Wanted
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._workflow import Finding

LOOKS = ["engine", "compose", "buildx", "compose file", "workflow files"]
RUNS = ["build without cache", "build with cache", "tests", "artifacts", "junit", "coverage", "clean-up"]


class Project:
    """Takes the place of CiProject: builds at once, and its tests write everything."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.did: list[str] = []
        self.broken: dict[str, RollbackError] = {}
        self.release = "2.26.1-4"
        self.code = 0
        self.takes: dict[str, float] = {}
        self.clock = 0.0
        self.percent = 80

    def _do(self, name: str) -> None:
        self.did.append(name)
        self.clock += self.takes.get(name, 1.0)
        if name in self.broken:
            raise self.broken[name]

    def engine(self) -> str:
        self._do("engine")
        return "26.1"

    def compose(self) -> str:
        self._do("compose")
        return self.release

    def buildx(self) -> str:
        self._do("buildx")
        return "0.13"

    def services(self) -> list[str]:
        self._do("services")
        return ["db", "test"]

    def build(self, *, cache: bool, timeout: float) -> None:
        self._do("cached" if cache else "build")

    def test(self, services: Sequence[str], timeout: float) -> int:
        assert services == ["db", "test"]
        self._do("test")
        (self.directory / "log").write_text("x")
        (self.directory / "j.xml").write_text("<testsuite><testcase/></testsuite>")
        text = f'<coverage lines-valid="100" lines-covered="{self.percent}"/>'
        (self.directory / "c.xml").write_text(text)
        return self.code

    @contextmanager
    def alone(self) -> Iterator[None]:
        self.did.append("alone")
        yield

    def clean(self) -> None:
        self._do("clean")


class Scene:
    """A checkout, and what is found wrong with its workflow files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.project = Project(directory)
        self.findings: list[Finding] = []
        workflows = directory / ".github/workflows"
        workflows.mkdir(parents=True)
        (workflows / "ci.yml").write_text("on: push")

    def validate(self, *, check_mode: bool = False, **changes: Any) -> dict[str, Check]:
        """The checks by name, in their order."""
        defaults = {"compose_file": "test.yml", "service": "test", "workflow_checks": ["schema"], "junit": "j.xml"}
        rest = {"artifacts": ["log"], "coverage": "c.xml", "coverage_minimum": 80.0}
        budgets = {"build_budget": 120, "test_budget": 300}
        wanted = Wanted(**{"project_src": str(self.directory), **defaults, **rest, **budgets, **changes})
        checks, self.ratio = _ci_steps.validate(wanted, check_mode=check_mode)
        return {check.name: check for check in checks.results}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)
    monkeypatch.setattr(_ci_steps, "CiProject", lambda *_: made.project)
    monkeypatch.setattr(_ci_steps, "time", SimpleNamespace(monotonic=lambda: made.project.clock))
    monkeypatch.setattr(_workflow_check, "validate", lambda *_: made.findings)
    return made


def test_everything_is_well(scene: Scene) -> None:
    scene.project.takes = {"build": 10.0, "cached": 4.0}
    found = scene.validate()
    assert list(found) == [*LOOKS, *RUNS]
    assert all(check.ok for check in found.values())
    assert scene.project.did == ["engine", "compose", "buildx", "services", "alone", "build", "cached", "test", "clean"]
    assert found["build with cache"].found == "4.0 s, 40% of the time without cache"
    assert scene.ratio == 0.4


def test_only_what_is_asked_for_is_checked_of_what_tests_leave(scene: Scene) -> None:
    found = scene.validate(artifacts=[], junit=None, coverage=None)
    assert not {"artifacts", "junit", "coverage"} & set(found)


def test_check_mode_builds_and_runs_nothing(scene: Scene) -> None:
    found = scene.validate(check_mode=True)
    assert list(found) == [*LOOKS, *RUNS]
    assert all(found[name].ok for name in LOOKS)
    assert all(found[name].skipped and not found[name].ok for name in RUNS)
    assert scene.project.did == ["engine", "compose", "buildx", "services"]
    assert scene.ratio is None


@pytest.mark.parametrize(
    ("broken", "failed", "skipped"),
    [
        ("engine", "engine", RUNS),
        ("compose", "compose", ["compose file", *RUNS]),
        ("buildx", "buildx", RUNS[:-1]),
        ("services", "compose file", RUNS),
        ("build", "build without cache", RUNS[1:-1]),
        ("cached", "build with cache", RUNS[2:-1]),
        ("test", "tests", RUNS[3:-1]),
        ("clean", "clean-up", []),
    ],
)
def test_what_cannot_be_done_after_a_failure_is_skipped(
    scene: Scene, broken: str, failed: str, skipped: list[str]
) -> None:
    scene.project.broken = {broken: RollbackError("it is broken", "Mend it.")}
    found = scene.validate()
    assert [name for name, check in found.items() if check.skipped] == skipped
    assert [name for name, check in found.items() if check.failed] == [failed]
    assert found[failed].found == "it is broken\nHINT: Mend it."


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"code": 1}, "tests"),
        ({"percent": 79}, "coverage"),
        ({"takes": {"build": 121.0}}, "build without cache"),
        ({"takes": {"cached": 121.0}}, "build with cache"),
        ({"takes": {"test": 301.0}}, "tests"),
    ],
)
def test_what_is_not_as_expected_fails_and_the_rest_is_done(scene: Scene, changes: dict[str, Any], failed: str) -> None:
    vars(scene.project).update(changes)
    found = scene.validate()
    assert [name for name, check in found.items() if not check.ok] == [failed]


def test_tests_that_fail_say_how_to_see_what_they_print(scene: Scene) -> None:
    scene.project.code = 2
    found = scene.validate()["tests"].found
    assert found.startswith("exit code 2")
    assert "docker compose -f test.yml run --rm test" in found


@pytest.mark.parametrize("release", ["2.19.9", "1.29.2", "v2.3", "unknown"])
def test_a_compose_that_is_too_old_is_refused(scene: Scene, release: str) -> None:
    scene.project.release = release
    assert scene.validate()["compose"].failed


@pytest.mark.parametrize("release", ["v2.20.0", "2.26.1-4", "3.0"])
def test_one_that_is_new_enough_is_taken(scene: Scene, release: str) -> None:
    scene.project.release = release
    assert scene.validate()["compose"].ok


def test_findings_in_workflow_files_are_told_and_do_not_keep_the_tests_from_running(scene: Scene) -> None:
    finding = {"file": "ci.yml", "check": "schema", "where": "jobs", "severity": "high", "message": "wrong"}
    scene.findings = [Finding(rule=f"rule{number}", **finding) for number in range(5)]
    found = scene.validate()
    assert [name for name, check in found.items() if check.failed] == ["workflow files"]
    assert "rule0" in found["workflow files"].found
    assert "and 2 more" in found["workflow files"].found
    assert found["tests"].ok


@pytest.mark.parametrize("option", ["compose_file", "junit", "coverage"])
def test_a_file_outside_of_the_checkout_is_refused(scene: Scene, option: str) -> None:
    with pytest.raises(RollbackError, match="may not leave"):
        scene.validate(**{option: "../x.xml"})
