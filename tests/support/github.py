# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository whose CI broke when it was moved into Docker: on a GitHub that keeps to its contract."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub, Job, Outcome, Run

NAME = "acme/shop"
TOKEN = "ghs_hunter2hunter2"
WORKFLOWS = ".github/workflows"
STABLE, BROKEN = "v0.9.0", "v1.0.0"
COVERAGE = "<coverage line-rate='0.85' lines-valid='100' lines-covered='85'/>"
JUNIT = "<testsuite tests='4' failures='0' errors='0' skipped='1' time='1.5'/>"
#: The workflows that CI consists of.
CI = ("ci", "ci-fast", "test-full")
_PINNED = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
_DISPATCH = "  workflow_dispatch:\n"


def workflow(name: str, command: str, triggers: str = f"  push:\n{_DISPATCH}") -> str:
    """A workflow with one job that runs a command."""
    return (
        f"name: {name}\non:\n{triggers}permissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-latest\n"
        f"    steps:\n      - uses: {_PINNED}\n        with:\n          persist-credentials: false\n"
        f"      - run: {command}\n"
    )


FLAGS = workflow(
    "Feature flags",
    "scripts/flags.sh",
    "  workflow_dispatch:\n    inputs:\n"
    + "".join(
        f"      {name}:\n        type: boolean\n        default: false\n"
        for name in ("rollback_to_legacy", "enable_unified_docker_tests", "enable_docker_caching")
    ),
)
DOCKER = "docker compose run tests"
LEGACY = "pytest"


def files(names: Sequence[str] = CI) -> dict[str, dict[str, str]]:
    """The files of both versions: in the broken one every legacy workflow has become the backup of a new one."""
    legacy = {f"{WORKFLOWS}/{name}.yml": workflow(name, LEGACY) for name in names}
    broken = {
        **{path: text.replace(LEGACY, DOCKER) for path, text in legacy.items()},
        **{f"{path}.backup": text for path, text in legacy.items()},
        f"{WORKFLOWS}/docker-feature-flags.yml": FLAGS,
        "Dockerfile.test": "FROM scratch\n",
    }
    return {STABLE: legacy, BROKEN: broken}


def git(directory: Path, *arguments: str) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def release(directory: Path, names: Sequence[str] = CI) -> Path:
    """Make a bare repository and a clone that hold both versions of these workflows, each with its tag."""
    clone, bare = directory / "clone", directory / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    git(clone, "remote", "add", "origin", str(bare))
    for setting in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(bare, "config", setting, "true")
    for version, tree in files(names).items():
        _commit(clone, tree, version)
        git(clone, "tag", version)
    git(clone, "push", "-q", "--tags", "origin", "main")
    return directory


def _commit(clone: Path, tree: Mapping[str, str | None], message: str) -> None:
    for path, text in tree.items():
        target = clone / path
        if text is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "--allow-empty", "-m", message)


class Project:
    """The repository, a clone of a developer, and what GitHub makes of runs: those inside Docker fail.

    :param github: the GitHub that it is on.
    :param released: what :func:`release` made.
    """

    def __init__(self, github: FakeGitHub, directory: Path, released: Path) -> None:
        self.github = github
        self.clone, self.bare = directory / "clone", directory / "shop.git"
        shutil.copytree(released, directory, dirs_exist_ok=True)
        git(self.clone, "remote", "set-url", "origin", str(self.bare))
        self.commits = {version: git(self.bare, "rev-parse", f"{version}^{{commit}}") for version in (STABLE, BROKEN)}
        self.repository = github.add_repository(NAME, bare=self.bare, default_branch="main")
        self.repository.outcome = self.outcome

    @staticmethod
    def outcome(run: Run) -> Outcome:
        """What becomes of a run: the legacy tests pass and leave reports, those inside Docker do not."""
        if DOCKER in run.text:
            return Outcome("failure", 0.2, (Job("docker-build", "failure", 0.1), Job("test", "skipped", 0.0)))
        reports = {"coverage-report": {"coverage.xml": COVERAGE}, "test-results": {"junit.xml": JUNIT}}
        return Outcome("success", 0.2, (Job("test", "success", 0.2),), reports)

    def push(self, tree: Mapping[str, str | None], message: str, branch: str = "main") -> str:
        """Commit files on a branch, None for one that goes, and push it, as a developer does."""
        git(self.clone, "fetch", "-q", "origin")
        git(self.clone, "checkout", "-q", "-B", branch, "origin/main")
        _commit(self.clone, tree, message)
        git(self.clone, "push", "-q", "origin", branch)
        return git(self.clone, "rev-parse", "HEAD")

    def described(self, **changes: Any) -> dict[str, Any]:
        """What ``rollback_stack.github`` says of it."""
        return {"repository": NAME, "token": TOKEN, "url": self.github.url, "timeout": 10.0, **changes}

    def head(self, branch: str = "main") -> str:
        """The commit that a branch is at."""
        return git(self.bare, "rev-parse", f"refs/heads/{branch}")

    def refs(self) -> str:
        """Everything that is named in the repository."""
        return git(self.bare, "for-each-ref")

    def show(self, path: str, at: str = "main") -> str | None:
        """A file's text; None where there is none."""
        command = ["git", "-C", str(self.bare), "show", f"{at}:{path}"]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        return found.stdout if found.returncode == 0 else None

    def subjects(self, branch: str = "main") -> list[str]:
        """First lines of the commits of a branch, newest first."""
        return git(self.bare, "log", "--format=%s", branch).splitlines()

    def asked(self, *methods: str) -> list[str]:
        """API requests with one of the methods, in order."""
        return [f"{each.method} {each.path}" for each in self.github.exchanges if each.method in methods]
