# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks of CI that are killed, or whose GitHub is cut off, after any request: the same command again does the work.

The branch is the one that was found or the one that was asked for, and no history is rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _ledger
from ansible_collections.tiered.rollback.tests.support import arena, github
from ansible_collections.tiered.rollback.tests.support.desk import Desk
from ansible_collections.tiered.rollback.tests.support.github import BROKEN, CI, DOCKER, LEGACY, STABLE, WORKFLOWS
from ansible_collections.tiered.rollback.tests.support.processes import KILLS, kill_tree, wait_for

PATHS = [f"{WORKFLOWS}/{name}.yml" for name in CI]


@dataclass(frozen=True)
class Work:
    """A playbook as it is run here.

    :param requests: how many of GitHub's API it makes at least.
    :param branch: which it changes.
    """

    playbook: str
    requests: int
    given: Mapping[str, Any] = field(default_factory=dict)
    branch: str = "main"


WORKS = {
    "swap": Work("ci-rollback", 20, {"method": "swap"}),
    "revert": Work("ci-rollback", 20, {"method": "revert", "to": STABLE}),
    "forward": Work("recover-forward", 10, {"commits": "work", "branch": "fix-ci"}, "fix-ci"),
}


@dataclass(frozen=True)
class Case:
    """One injection, once GitHub has answered some requests.

    :param fault: ``play`` or ``workers`` are killed, or GitHub is cut off by ``api``.
    """

    work: str
    fault: str
    after: int

    def __str__(self) -> str:
        return f"{self.work}-{self.fault}-{self.after}"


def cases() -> list[Any]:
    chance = arena.chance("moments of CI")
    found = [
        Case(name, fault, chance.randrange(1, work.requests))
        for name, work in WORKS.items()
        for fault in ("play", "workers", "api")
        for _unused in range(3)
    ]
    chosen = arena.sample("CI", found, 0, lambda case: [(WORKS[case.work].playbook, case.fault == "api"), case.fault])
    marks = {
        case: pytest.mark.fault(WORKS[case.work].playbook, "api" if case.fault == "api" else "kill") for case in chosen
    }
    return [pytest.param(case, id=str(case), marks=marks[case]) for case in chosen]


def whole(desk: Desk, branch: str) -> bool:
    """Whether a branch has gone back, all of it; False where nothing has."""
    told = {LEGACY in (desk.project.show(path, branch) or "") for path in PATHS}
    assert len(told) == 1, "only some files have gone back"
    github.git(desk.project.bare, "merge-base", "--is-ancestor", desk.project.commits[BROKEN], branch)
    return told.pop()


@pytest.mark.parametrize("case", cases())
def test_a_rollback_of_ci_that_is_broken_off_is_done_by_the_same_command(desk: Desk, case: Case) -> None:
    work, project = WORKS[case.work], desk.project
    mended = {path: (project.show(path) or "").replace(DOCKER, LEGACY) for path in PATHS}
    fix = project.push(mended, "Mend CI", branch="work")
    given = {**work.given, "commits": fix} if "commits" in work.given else work.given
    process = desk.start(f"{work.playbook}.yml", **given)
    assert wait_for(process, lambda: len(project.github.exchanges) >= case.after, 0.0), process.communicate()[0]
    if case.fault == "api":
        project.github.fail(r"\w+", ".*", 0, times=None)
    else:
        KILLS[case.fault](process.pid)
    said = process.communicate(timeout=120)[0]
    assert case.fault != "play" or process.returncode < 0
    assert "MODULE FAILURE" not in said
    project.github.mend()
    if "refs/heads/" + work.branch in project.refs():
        whole(desk, work.branch)

    desk.run(f"{work.playbook}.yml", **given).ok()
    assert whole(desk, work.branch)
    assert len(project.subjects(work.branch)) == len(project.subjects(BROKEN)) + 1, "it was done twice"
    assert len(project.repository.pulls) == (work.branch != "main")
    assert desk.record()["outcome"] == "succeeded"
    assert _ledger.entries(desk.state)
    # What has no manifest is no copy, and nobody's.
    for manifest in desk.state.glob("ci/*/manifest.json"):
        for path, part in json.loads(manifest.read_text())["files"].items():
            assert _files.digest(manifest.parent / "files" / path) == part["sha256"]


@pytest.mark.fault("ci-status", "kill")
def test_a_look_at_ci_that_is_killed_leaves_nothing(desk: Desk) -> None:
    refs = desk.project.refs()
    process = desk.start("ci-status.yml")
    assert wait_for(process, lambda: bool(desk.project.github.exchanges), 0.0)
    kill_tree(process.pid)
    process.communicate()
    assert not desk.state.exists()
    assert desk.project.refs() == refs
    # A query of GraphQL is sent as a POST.
    assert set(desk.project.asked("POST", "PUT", "PATCH", "DELETE")) <= {"POST /graphql"}
