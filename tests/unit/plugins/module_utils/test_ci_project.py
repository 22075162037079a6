# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _command
from ansible_collections.tiered.rollback.plugins.module_utils._ci_project import LABEL, CiProject
from ansible_collections.tiered.rollback.plugins.module_utils._command import CommandError
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


class Docker:
    """Takes the place of the docker command; *answers* and *errors* go by a word of the command."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.options: list[dict[str, Any]] = []
        self.answers: dict[str, str] = {}
        self.errors: dict[str, CommandError] = {}
        self.labels: dict[str, Any] = {}

    def run(self, argv: list[str], **options: Any) -> str:
        self.commands.append(argv)
        self.options.append(options)
        for file in argv:
            if file.endswith("labels.json"):
                self.labels = json.loads(Path(file).read_text())
        for word, error in self.errors.items():
            if word in argv:
                raise error
        return next((answer for word, answer in self.answers.items() if word in argv), "")

    def said(self, word: str) -> list[str]:
        """The only command with a word."""
        (found,) = [argv for argv in self.commands if word in argv]
        return found


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    made = Docker()
    monkeypatch.setattr(_command, "run", made.run)
    return made


@pytest.fixture
def project(tmp_path: Path, docker: Docker) -> CiProject:
    return CiProject(str(tmp_path), "test.yml", "test")


def test_each_checkout_has_a_project_of_its_own(tmp_path: Path, project: CiProject) -> None:
    assert project.name == CiProject(f"{tmp_path}/../{tmp_path.name}", "other.yml", "test").name
    assert project.name != CiProject("/elsewhere", "test.yml", "test").name


def test_releases_are_read(project: CiProject, docker: Docker) -> None:
    docker.answers = {"{{.Server.Version}}": "26.1.5\n", "compose": "2.26.1-4\n", "buildx": "github.com/x 0.13.1 abc\n"}
    assert (project.engine(), project.compose(), project.buildx()) == ("26.1.5", "2.26.1-4", "0.13.1")


def test_services_are_those_of_every_profile(project: CiProject, docker: Docker, tmp_path: Path) -> None:
    docker.answers = {"config": '{"services": {"test": {}, "db": {}}}'}
    assert project.services() == ["db", "test"]
    assert docker.said("config")[:8] == [
        "docker",
        "compose",
        "--progress",
        "plain",
        "-f",
        "test.yml",
        "-p",
        project.name,
    ]
    assert docker.said("config")[8:] == ["--profile", "*", "config", "--format", "json"]
    assert docker.options[0]["cwd"] == str(tmp_path)


def test_a_service_that_is_not_there_is_an_error_with_those_that_are(project: CiProject, docker: Docker) -> None:
    docker.answers = {"config": '{"services": {"db": {}}}'}
    with pytest.raises(RollbackError, match="no service test") as caught:
        project.services()
    assert caught.value.hint == "It has: db."


def test_a_build_takes_the_cache_only_where_it_may(project: CiProject, docker: Docker) -> None:
    project.build(cache=False, timeout=9)
    project.build(cache=True, timeout=9)
    ends = [argv[8:] for argv in docker.commands]
    assert ends == [["build", "--no-cache", "--with-dependencies", "test"], ["build", "--with-dependencies", "test"]]
    assert [options["timeout"] for options in docker.options] == [9, 9]


def test_values_of_variables_are_not_in_an_error(project: CiProject, docker: Docker) -> None:
    docker.errors = {"build": CommandError("line PASSWORD=hunter2 is wrong", "look", code=1)}
    with pytest.raises(CommandError) as caught:
        project.build(cache=True, timeout=9)
    assert caught.value.message == "line PASSWORD=***"


def test_all_services_are_labelled_when_the_tests_run(project: CiProject, docker: Docker) -> None:
    assert project.test(["db", "test"], timeout=9) == 0
    assert docker.said("run")[8] == "-f"
    assert docker.said("run")[10:] == ["run", "--rm", "--no-TTY", "test"]
    assert docker.labels == {"services": {name: {"labels": {LABEL: project.name}} for name in ("db", "test")}}


def test_the_exit_code_of_the_tests_is_no_error(project: CiProject, docker: Docker) -> None:
    docker.errors = {"run": CommandError("PASSWORD=x", "", code=3)}
    assert project.test(["test"], timeout=9) == 3


def test_what_a_run_that_was_killed_left_is_removed_first(project: CiProject, docker: Docker) -> None:
    docker.answers = {"volume": "one\ntwo\n", "image": "abc\nabc\n"}
    with project.alone():
        assert docker.said("down")[8:] == ["down", "--remove-orphans", "--rmi", "local", "--timeout", "5"]
        mine = ["ls", "--quiet", "--filter", f"label=com.docker.compose.project={project.name}"]
        assert docker.commands[1:] == [
            ["docker", "volume", *mine],
            ["docker", "volume", "rm", "one", "two"],
            ["docker", "image", *mine, "--filter", "dangling=true"],
            ["docker", "image", "rm", "abc"],
        ]


def test_a_checkout_is_validated_by_one_run_at_a_time(project: CiProject, tmp_path: Path) -> None:
    with project.alone(), pytest.raises(RollbackError, match="is being validated already"), project.alone():
        raise AssertionError
    with project.alone():
        pass
