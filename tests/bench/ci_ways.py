# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about a broken CI, by this collection and by the documents with ``gh`` and git, and what it costs."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.tiered.rollback.tests.bench.procedures import call
from ansible_collections.tiered.rollback.tests.contract.fake import Job, Outcome, Run
from ansible_collections.tiered.rollback.tests.support import desk, gh, github, playbook
from ansible_collections.tiered.rollback.tests.support.desk import Desk
from ansible_collections.tiered.rollback.tests.support.github import LEGACY, NAME, STABLE, TOKEN, WORKFLOWS

#: Seconds that each request takes to arrive.
LATENCY = 0.1
#: ``ci.yml`` is what proves CI.
_NAMES = ("ci", *(f"ci-{number:02}" for number in range(2, 11)))
FILES = [f"{name}.yml" for name in _NAMES]
#: Runs to assess; the newest of them failed to build an image.
RUNS, FAILED = 100, 20
#: What document 001 sleeps before it looks.
SLEEP = 60
#: Seconds of the run that proves CI: worth waiting for, and over within that sleep.
_PROOF = 5.0
_HERE = Path(__file__).parent
_BRANCH_GIVEN = "{{ rollback_stack.github | combine({'branch': 'main'}) }}"
#: Options of a swap, and whether the branch is protected.
SWAPS: Mapping[str, tuple[Mapping[str, Any], bool]] = {
    "from backups": ({}, False),
    "from a tag": ({"ref": STABLE, "files": FILES}, False),
    "from backups by pull request": ({}, True),
    "from a tag by pull request": ({"ref": STABLE, "files": FILES}, True),
    "from a tag by pull request, branch given": ({"ref": STABLE, "files": FILES, "github": _BRANCH_GIVEN}, True),
}
#: The document's git asks the server itself and not the proxy that gh takes the fake for; its token is in no URL.
_GIT = {
    "no_proxy": "127.0.0.1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "3",
    "GIT_CONFIG_KEY_0": "credential.helper",
    "GIT_CONFIG_VALUE_0": '!f() { echo username=gh; echo "password=$GH_TOKEN"; }; f',
    "GIT_CONFIG_KEY_1": "user.name",
    "GIT_CONFIG_VALUE_1": "bench",
    "GIT_CONFIG_KEY_2": "user.email",
    "GIT_CONFIG_VALUE_2": "bench@localhost",
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a way took.

    :param seconds: from the command to its end.
    :param requests: to the API, and of git.
    :param answered: seconds that the API took for its answers.
    :param commits: how many more the repository has.
    """

    seconds: float
    requests: int
    answered: float
    commits: int


class Bench:
    """Does each thing on a project of its own, whose CI is broken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self._released = github.release(self._new(), _NAMES)

    def swap(self, kind: str) -> Cost:
        """Take ten workflow files back by one task."""
        options, protected = SWAPS[kind]
        with self._desk() as at:
            if protected:
                at.project.repository.protect("main")
            wanted = f"found.files | length == {len(FILES)}"
            found = _cost(at, lambda: _task(at, "github_workflow_swap", options, wanted))
            pulls = at.project.repository.pulls.values()
            _see_swapped(at, next(iter(pulls)).head if protected else "main")
        return found

    def document_swap(self) -> Cost:
        """The same by hand, from the backups, in a fresh clone."""
        with self._desk() as at:
            found = _cost(at, lambda: _script(at, "000_swap", self._clone(at)))
            _see_swapped(at, "main")
        return found

    def assess(self) -> Cost:
        """Say how a hundred runs went, by one task."""
        with self._desk() as at:
            _history(at)
            options = {"github": _BRANCH_GIVEN, "workflows": ["ci.yml"]}
            wanted = f"found.metrics['ci.yml'].build_failed_in_row == {FAILED}"
            return _cost(at, lambda: _task(at, "ci_status_info", options, wanted))

    def document_assess(self) -> Cost:
        """The same with gh: the list, and the jobs of each run that failed."""
        said: list[str] = []
        with self._desk() as at:
            _history(at)
            found = _cost(at, lambda: said.append(_script(at, "001_assess", at.root)))
        if said[0].split() != ["docker-build"] * FAILED:
            raise RuntimeError(f"document 001 found {said[0]!r}")
        return found

    def emergency(self) -> Cost:
        """Cancel ten runs, take the files back and prove CI, by one command."""
        with self._emergency(_recovers) as at:
            return _cost(at, lambda: _playbook(at).ok())

    def document_emergency(self) -> Cost:
        """The same by hand, in a clone that is there."""
        said: list[str] = []
        with self._emergency(_recovers) as at:
            clone = self._clone(at)
            found = _cost(at, lambda: said.append(_script(at, "000", clone, str(SLEEP))))
        if not _says_success(said[0]):
            raise RuntimeError(f"document 000 did not see that CI works:\n{said[0]}")
        return found

    def believed(self) -> bool:
        """Whether the command takes CI for working where it is not."""
        with self._emergency(_stays_broken) as at:
            outcome = _playbook(at)
        if outcome.rc and "did not succeed (failure)" not in outcome.said:
            raise RuntimeError(outcome.output)
        return outcome.rc == 0

    def document_believed(self) -> bool:
        """Whether the document does; what it would see after its own sleep is there after two seconds."""
        with self._emergency(_stays_broken) as at:
            return _says_success(_script(at, "000", self._clone(at), "2"))

    def _new(self) -> Path:
        path = self._directory / str(next(self._numbers))
        path.mkdir()
        return path

    @contextmanager
    def _desk(self) -> Iterator[Desk]:
        with desk.opened(self._new(), self._released, LATENCY) as at:
            yield at

    @contextmanager
    def _emergency(self, becomes: Callable[[Desk, Run], Outcome]) -> Iterator[Desk]:
        """A desk with ten runs under way; they are cancelled and the files swapped when it is left."""
        with self._desk() as at:
            at.variables["ci_rollback_workflows"] = []
            at.project.repository.outcome = lambda run: becomes(at, run)
            busy = [at.project.repository.add_run(workflow=file, status="in_progress") for file in FILES]
            yield at
            _see_swapped(at, "main")
            if going := [run.id for run in busy if run.cancelled is None]:
                raise RuntimeError(f"runs go on: {going}")

    def _clone(self, at: Desk) -> Path:
        clone = self._new() / "clone"
        call(["git", "clone", "--quiet", at.server.url("shop.git"), str(clone)], at.root, _environment(at))
        return clone


def _recovers(at: Desk, run: Run) -> Outcome:
    return replace(at.project.outcome(run), seconds=_PROOF)


def _stays_broken(at: Desk, run: Run) -> Outcome:
    """The run that is to prove CI fails, and after it began somebody else's run of another workflow, which does not."""
    if run.event == "workflow_dispatch":
        at.project.repository.add_run(workflow=FILES[1], conclusion="success")
    return Outcome("failure", 1.0)


def _history(at: Desk) -> None:
    """The runs to assess."""
    broken = (Job("docker-build", "failure", 1.0), Job("test", "skipped"))
    reports = {"coverage-report": {"coverage.xml": github.COVERAGE}}
    for number in range(RUNS):
        if number < RUNS - FAILED:
            at.project.repository.add_run(jobs=(Job("docker-build"), Job("test")), artifacts=reports)
        else:
            at.project.repository.add_run(conclusion="failure", jobs=broken)


def _cost(at: Desk, way: Callable[[], object]) -> Cost:
    api, over_git = at.project.github.exchanges, at.server.requests
    asked, asked_git, commits = len(api), len(over_git), _commits(at)
    begin = time.monotonic()
    way()
    return Cost(
        seconds=time.monotonic() - begin,
        requests=len(api) - asked + len(over_git) - asked_git,
        answered=sum(each.seconds for each in api[asked:]),
        commits=_commits(at) - commits,
    )


def _commits(at: Desk) -> int:
    return int(github.git(at.project.bare, "rev-list", "--count", "--all"))


def _see_swapped(at: Desk, branch: str) -> None:
    for file in FILES:
        if LEGACY not in (at.project.show(f"{WORKFLOWS}/{file}", branch) or ""):
            raise RuntimeError(f"{file} was not taken back on {branch}")


def _task(at: Desk, module: str, options: Mapping[str, Any], wanted: str) -> None:
    """Run a module as the one task of a play, and see that its result is right."""
    play = at.root / "play.yml"
    tasks = [
        {f"tiered.rollback.{module}": {"github": "{{ rollback_stack.github }}", **options}, "register": "found"},
        {"ansible.builtin.assert": {"that": wanted, "quiet": True}},
    ]
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    playbook.run(str(play), at.inventory(), at.root / "home").ok()


def _playbook(at: Desk) -> playbook.Outcome:
    output = {"ANSIBLE_STDOUT_CALLBACK": "tiered.rollback.timeline"}
    return playbook.run("ci-rollback.yml", at.inventory(), at.root / "home", env=output, method="swap")


def _script(at: Desk, name: str, cwd: Path, *arguments: str) -> str:
    return call([str(_HERE / f"peer_document_{name}.sh"), *arguments], cwd, _environment(at))


def _environment(at: Desk) -> dict[str, str]:
    return {**gh.environment(at.root / "home", at.project.github, NAME, TOKEN), **_GIT}


def _says_success(output: str) -> bool:
    """What the document's last command says: a list with the conclusion of the newest run."""
    return bool(json.loads(output.splitlines()[-1]) == [{"conclusion": "success"}])
