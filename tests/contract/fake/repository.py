# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake remembers of a repository beside its git side, and what a test may do to it."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .exchange import GitHubError, not_found
from .git import Git, GitError
from .runs import Job, Outcome, Run, moment

_FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """A workflow file of the default branch."""

    id: int
    path: str
    name: str
    enabled: bool


@dataclass
class Pull:
    """A pull request."""

    number: int
    head: str
    base: str
    title: str
    body: str | None
    draft: bool
    #: State of all checks of its last commit, as GraphQL names it.
    rollup: str | None
    created: float
    comments: list[str] = field(default_factory=list)
    #: Its last commit, once its branch is gone, which closes it.
    last_head: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for being merged."""
        return self.last_head is None


@dataclass
class Deployment:
    """A deployment with its statuses, oldest first: each what the request said, and when."""

    id: int
    environment: str
    sha: str
    ref: str
    description: str | None
    created: float
    statuses: list[tuple[int, float, Mapping[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Artifact:
    """Files that a run leaves behind."""

    id: int
    name: str
    files: Mapping[str, str | bytes]
    run: Run


class FakeRepository:
    """One repository."""

    def __init__(
        self, name: str, bare: Path, default_branch: str, ids: itertools.count[int], lock: threading.RLock
    ) -> None:
        self.name = name
        self.default_branch = default_branch
        self.bare = bare
        self.git = Git(bare)
        self.id = next(ids)
        self.lock = lock
        self.outcome: Callable[[Run], Outcome] = lambda run: Outcome()
        #: Seconds until a dispatched run is listed; GitHub's lists lag behind.
        self.listed_after = 0.0
        #: Whether the token is one that may read checks; to a fine-grained one GitHub gives no such permission.
        self.checks_readable = True
        #: Runs that accept a cancellation and go on.
        self.uncancellable: set[int] = set()
        self.runs: list[Run] = []
        self.artifacts: list[Artifact] = []
        self.jobs: dict[int, list[tuple[int, Job]]] = {}
        self.pulls: dict[int, Pull] = {}
        self.deployments: list[Deployment] = []
        #: How a branch is protected: "ruleset" or "protection" (the older way).
        self.protected: dict[str, str] = {}
        self._ids = ids
        self._workflow_ids: dict[str, int] = {}
        self._disabled: set[str] = set()

    # --- what a test may do -------------------------------------------------------------------

    def protect(self, branch: str, by: str = "ruleset") -> None:
        """Let the branch be changed through pull requests only.

        :param by: "ruleset" or "protection"; GitHub words the refusals differently.
        """
        self.protected[branch] = by

    def disable(self, workflow: str) -> None:
        """Disable a workflow, named by file."""
        self.set_enabled(self.workflow(workflow), False)

    def add_run(
        self,
        *,
        workflow: str = "ci.yml",
        conclusion: str = "success",
        started: str | None = None,
        seconds: float = 0.0,
        branch: str | None = None,
        jobs: tuple[Job, ...] = (),
        artifacts: Mapping[str, Mapping[str, str | bytes]] | None = None,
        status: str = "completed",
        event: str = "push",
    ) -> Run:
        """A run of the past; one that is "queued" or "in_progress" stays so until it is cancelled."""
        branch = branch or self.default_branch
        begin = moment(started) if started else time.time() - (seconds if status == "completed" else 0)
        outcome = Outcome(conclusion, seconds, jobs, artifacts or {})
        with self.lock:
            sha = self._branch(branch)
            run = self._new_run(self.workflow(workflow), branch, sha, event, {}, begin)
            run.held = None if status == "completed" else status
            self._give(run, outcome)
            self.runs.sort(key=lambda each: each.created, reverse=True)
        return run

    def add_pull(
        self,
        *,
        head: str,
        base: str | None = None,
        number: int | None = None,
        title: str = "A change",
        body: str | None = None,
        draft: bool = False,
        rollup: str | None = None,
    ) -> Pull:
        """An open pull request; its head is a branch of this repository."""
        self._branch(head)
        number = number or max(self.pulls, default=0) + 1
        self.pulls[number] = Pull(number, head, base or self.default_branch, title, body, draft, rollup, time.time())
        return self.pulls[number]

    def add_deployment(
        self,
        *,
        environment: str = "production",
        sha: str | None = None,
        state: str | None = None,
        ref: str | None = None,
    ) -> Deployment:
        """A deployment, with one status where a state is given."""
        ref = ref or self.default_branch
        found = Deployment(next(self._ids), environment, sha or self._branch(ref), ref, None, time.time())
        self.deployments.insert(0, found)
        if state:
            self.add_status(found, {"state": state})
        return found

    # --- what the interface does --------------------------------------------------------------

    def workflows(self) -> list[Workflow]:
        """The workflow files of the default branch."""
        try:
            entries = self.git.tree(f"refs/heads/{self.default_branch}", _FOLDER)
        except GitError:
            return []
        files = [entry for entry in entries if entry.kind == "blob" and entry.path.endswith((".yml", ".yaml"))]
        return [self._workflow(f"{_FOLDER}/{entry.path}", self.git.blob(entry.sha).decode()) for entry in files]

    def _workflow(self, path: str, text: str) -> Workflow:
        number = self._workflow_ids.setdefault(path, 0) or next(self._ids)
        self._workflow_ids[path] = number
        name = (_parsed(text) or {}).get("name") or path
        return Workflow(number, path, str(name), path not in self._disabled)

    def workflow(self, name: str) -> Workflow:
        """A workflow by its number or file."""
        for workflow in self.workflows():
            if name in (str(workflow.id), workflow.path, workflow.path.rsplit("/", 1)[1]):
                return workflow
        raise not_found()

    def set_enabled(self, workflow: Workflow, enabled: bool) -> None:
        """Enable or disable a workflow."""
        (self._disabled.discard if enabled else self._disabled.add)(workflow.path)

    def dispatch(self, workflow: Workflow, ref: str, inputs: Mapping[str, Any]) -> Run:
        """Begin a run, or refuse as GitHub does."""
        if not workflow.enabled:
            raise GitHubError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        found = self.git.branch_or_tag(ref)
        if not found:
            raise GitHubError(422, f"No ref found for: {ref}")
        full, sha = found
        given = _inputs(self._text(sha, workflow.path), inputs)
        run = self._new_run(workflow, full.split("/", 2)[2], sha, "workflow_dispatch", given, time.time())
        self._give(run, self.outcome(run))
        return run

    def listed_runs(self) -> list[Run]:
        """The runs that a list shows, newest first."""
        now = time.time()
        return [run for run in self.runs if run.event != "workflow_dispatch" or run.created + self.listed_after <= now]

    def run(self, number: str) -> Run:
        """A run by its number."""
        for run in self.runs:
            if str(run.id) == number:
                return run
        raise not_found()

    def add_status(self, deployment: Deployment, said: Mapping[str, Any]) -> tuple[int, float, Mapping[str, Any]]:
        """One more status of a deployment."""
        deployment.statuses.append((next(self._ids), time.time(), said))
        return deployment.statuses[-1]

    def new_deployment(self, sha: str, said: Mapping[str, Any]) -> Deployment:
        """A deployment that a request asked for."""
        environment, ref = said.get("environment", "production"), said["ref"]
        found = Deployment(next(self._ids), environment, sha, ref, said.get("description"), time.time())
        self.deployments.insert(0, found)
        return found

    def next_id(self) -> int:
        """A number that nothing has yet."""
        return next(self._ids)

    def head_of(self, pull: Pull) -> str:
        """The last commit of a pull request."""
        return pull.last_head or self._branch(pull.head)

    def close_pulls(self, branch: str, sha: str) -> None:
        """What the end of a branch does to its pull requests."""
        for pull in self.pulls.values():
            if pull.head == branch and pull.is_open:
                pull.last_head = sha

    def _branch(self, name: str) -> str:
        sha = self.git.resolve(f"refs/heads/{name}")
        if not sha:
            raise KeyError(f"{self.name} has no branch {name}")
        return sha

    def _text(self, sha: str, path: str) -> str:
        found = self.git.at(sha, path, "blob")
        return self.git.blob(found).decode(errors="replace") if found else ""

    def _new_run(
        self, workflow: Workflow, branch: str, sha: str, event: str, inputs: Mapping[str, str], created: float
    ) -> Run:
        title = workflow.name if event == "workflow_dispatch" else self.git.commit(sha).message.split("\n", 1)[0]
        number = 1 + sum(run.workflow_id == workflow.id for run in self.runs)
        text = self._text(sha, workflow.path)
        run = Run(
            next(self._ids),
            number,
            workflow.path,
            workflow.id,
            workflow.name,
            title,
            text,
            inputs,
            branch,
            sha,
            event,
            created,
        )
        self.runs.insert(0, run)
        return run

    def _give(self, run: Run, outcome: Outcome) -> None:
        run.outcome = outcome
        jobs = outcome.jobs or (Job("build", outcome.conclusion, outcome.seconds),)
        self.jobs[run.id] = [(next(self._ids), job) for job in jobs]
        self.artifacts += [Artifact(next(self._ids), name, files, run) for name, files in outcome.artifacts.items()]


# Every request reads every workflow again.
@functools.cache
def _parsed(text: str) -> dict[Any, Any] | None:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return found if isinstance(found, dict) else None


def _inputs(text: str, given: Mapping[str, Any]) -> dict[str, str]:
    """The inputs of a run: those given and the defaults of the others."""
    document = _parsed(text)
    if document is None and text:
        raise GitHubError(422, "failed to parse workflow: Unexpected value ''")
    # YAML 1.1 reads the key as true.
    triggers = (document or {}).get("on", (document or {}).get(True))
    if triggers != "workflow_dispatch" and "workflow_dispatch" not in (triggers or ()):
        raise GitHubError(422, "Workflow does not have 'workflow_dispatch' trigger")
    described = (triggers["workflow_dispatch"] or {}).get("inputs") or {} if isinstance(triggers, dict) else {}
    unexpected = [name for name in given if name not in described]
    if unexpected:
        listed = ", ".join(f'"{name}"' for name in unexpected)
        raise GitHubError(422, f"Unexpected inputs provided: [{listed}]")
    found = {}
    for name, said in described.items():
        said = said or {}
        value = given.get(name, said.get("default"))
        if said.get("required") and value in (None, ""):
            raise GitHubError(422, f"Required input '{name}' not provided")
        if said.get("type") == "choice" and value is not None and value not in said.get("options", ()):
            raise GitHubError(422, f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        found[name] = "" if value is None else _written(value)
    return found


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
