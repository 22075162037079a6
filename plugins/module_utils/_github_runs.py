# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows and their runs: looked up, started, waited for and cancelled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub, segment, unreadable
from ansible_collections.tiered.rollback.plugins.module_utils._http import HttpError
from ansible_collections.tiered.rollback.plugins.module_utils._run import seconds_between

DIRECTORY = ".github/workflows"
ACTIVE = "active"
#: Seconds that a run may take to be listed after its dispatch was accepted without an id.
_APPEARS = 60.0
_POLL_FIRST, _POLL_LAST = 0.5, 10.0

_JOBS = """
nodes(ids: $ids) {
  ... on WorkflowRun { databaseId checkSuite { checkRuns(first: 100) { nodes {
    name conclusion startedAt completedAt
  } } } }
}
"""
_PULLS = """
repository(owner: $owner, name: $name) { pullRequests(states: OPEN, first: 100) { nodes {
  number title url isDraft headRefName baseRefName commits(last: 1) { nodes { commit { statusCheckRollup { state } } } }
} } }
"""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow as GitHub lists it.

    :param file: its file's name below ``.github/workflows``.
    :param state: ``active``, ``disabled_manually``, ``disabled_inactivity`` or another.
    """

    id: int
    name: str
    file: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of a run; *conclusion* is None until it has ended, *seconds* too."""

    name: str
    conclusion: str | None
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """Files that a run left behind, as one archive of so many bytes."""

    id: int
    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Pull:
    """An open pull request; *blocked* when a check of its newest commit failed."""

    number: int
    title: str
    branch: str
    base: str
    url: str
    blocked: bool


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """A run of a workflow.

    :param file: the workflow's file name below ``.github/workflows``.
    :param status: ``queued``, ``in_progress``, ``completed`` or another.
    :param conclusion: ``success``, ``failure``, ``cancelled`` or another; None until it has ended.
    :param started: when its present attempt started; ISO 8601, UTC.
    :param seconds: from there to its end; None until then.
    """

    id: int
    node_id: str
    file: str
    name: str
    branch: str
    sha: str
    event: str
    status: str
    conclusion: str | None
    started: str
    seconds: float | None
    url: str

    @property
    def ended(self) -> bool:
        """Whether nothing of it is to come."""
        return self.status == "completed"

    def describe(self) -> str:
        """Return what tells it from others, on one line."""
        return f"{self.file} run {self.id} on {self.branch} ({self.conclusion or self.status})"


def workflow(github: GitHub, file: str) -> Workflow:
    """Return the workflow of a file's name."""
    try:
        return _workflow(github.get(f"/actions/workflows/{segment(file)}"))
    except HttpError as error:
        if error.status != 404:
            raise
        known = ", ".join(sorted(each.file for each in workflows(github))) or "none"
        raise RollbackError(f"{github.api.repository} has no workflow {file}", f"Known: {known}.") from error


def workflows(github: GitHub) -> list[Workflow]:
    """Return every workflow of the repository."""
    return [_workflow(raw) for raw in github.pages("/actions/workflows", "workflows", 1000)]


def runs(github: GitHub, file: str | None = None, *, most: int = 100, **query: Any) -> list[WorkflowRun]:
    """Return runs, newest first.

    :param file: of this workflow only.
    :param query: ``branch``, ``status``, ``event``, ``head_sha`` and ``created``, as GitHub takes them.
    """
    below = f"/actions/workflows/{segment(file)}/runs" if file else "/actions/runs"
    return [_run(raw) for raw in github.pages(below, "workflow_runs", most, **query)]


def run(github: GitHub, number: int) -> WorkflowRun:
    """Return one run as it is now."""
    return _run(github.get(f"/actions/runs/{number}"))


def jobs(github: GitHub, of: Sequence[WorkflowRun]) -> dict[int, list[Job]]:
    """Return the jobs of up to a hundred runs, by the run's id, in one request."""
    if not of:
        return {}
    found = github.graphql(f"query($ids: [ID!]!) {{ {_JOBS} }}", {"ids": [each.node_id for each in of[:100]]})
    return _jobs(found)


def jobs_and_pulls(github: GitHub, of: Sequence[WorkflowRun]) -> tuple[dict[int, list[Job]], list[Pull]]:
    """Return the jobs of up to a hundred runs, and up to a hundred open pull requests, in one request."""
    owner, name = github.api.repository.split("/")
    found = github.graphql(
        f"query($ids: [ID!]!, $owner: String!, $name: String!) {{ {_JOBS} {_PULLS} }}",
        {"ids": [each.node_id for each in of[:100]], "owner": owner, "name": name},
    )
    try:
        return _jobs(found), [_pull(raw) for raw in found["repository"]["pullRequests"]["nodes"]]
    except (KeyError, TypeError, IndexError) as error:
        raise unreadable("POST /graphql") from error


def artifacts(github: GitHub, number: int | None = None) -> dict[int, list[Artifact]]:
    """Return the artifacts that did not expire yet, by the run's id: of one run, or the newest hundred of all."""
    below = f"/actions/runs/{number}/artifacts" if number else "/actions/artifacts"
    found: dict[int, list[Artifact]] = {}
    try:
        for raw in github.pages(below, "artifacts", 100):
            if not raw["expired"]:
                artifact = Artifact(id=raw["id"], name=raw["name"], size=raw["size_in_bytes"])
                found.setdefault(raw["workflow_run"]["id"], []).append(artifact)
    except (KeyError, TypeError) as error:
        raise unreadable("GET /actions/artifacts") from error
    return found


def dispatch(github: GitHub, file: str, ref: str, inputs: Mapping[str, str]) -> int:
    """Start a run and return its id.

    An older GitHub Enterprise does not say which run it started: it is the one that was not there before.
    """
    seen = runs(github, file, most=1, event="workflow_dispatch", branch=ref)
    body = {"ref": ref, "inputs": dict(inputs), "return_run_details": True}
    answer = github.send("POST", f"/actions/workflows/{segment(file)}/dispatches", body)
    if isinstance(answer, dict) and isinstance(answer.get("workflow_run_id"), int):
        return int(answer["workflow_run_id"])
    return _started_since(github, file, ref, seen[0].id if seen else 0)


def _started_since(github: GitHub, file: str, ref: str, last: int) -> int:
    deadline, pause = time.monotonic() + _APPEARS, _POLL_FIRST
    while True:
        found = runs(github, file, most=10, event="workflow_dispatch", branch=ref)
        new = [each.id for each in found if each.id > last]
        if len(new) == 1:
            return new[0]
        if new:
            raise RollbackError(
                f"{len(new)} runs of {file} on {ref} were started at the same time: {', '.join(map(str, new))}",
                "This GitHub does not say which is whose; look at them before running this again.",
            )
        if time.monotonic() > deadline:
            raise RollbackError(
                f"{file} was dispatched on {ref}, but no run of it appeared within {_APPEARS:.0f} s",
                "See the repository's Actions page; the run may still come.",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _POLL_LAST)


def download(github: GitHub, artifact: Artifact) -> bytes:
    """Return an artifact's archive."""
    return github.download(f"/actions/artifacts/{artifact.id}/zip")


def wait(github: GitHub, number: int, timeout: float) -> WorkflowRun:
    """Return a run when it has ended, or as it is after *timeout* seconds."""
    deadline, pause = time.monotonic() + timeout, _POLL_FIRST
    while True:
        found = run(github, number)
        left = deadline - time.monotonic()
        if found.ended or left <= 0:
            return found
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _POLL_LAST)


def cancel(github: GitHub, number: int, *, force: bool = False) -> bool:
    """Ask for a run's end; False where it has ended already.

    :param force: do not wait for steps that run ``always()``.
    """
    try:
        github.send("POST", f"/actions/runs/{number}/{'force-cancel' if force else 'cancel'}", repeatable=True)
    except HttpError as error:
        # A run that has ended, and one that is being cancelled, answer 409.
        if error.status != 409:
            raise
        return False
    return True


def _workflow(raw: Any) -> Workflow:
    try:
        return Workflow(id=raw["id"], name=raw["name"], file=file_name(raw["path"]), state=raw["state"])
    except (KeyError, TypeError, AttributeError) as error:
        raise unreadable("GET /actions/workflows") from error


def _run(raw: Any) -> WorkflowRun:
    try:
        started = raw.get("run_started_at") or raw["created_at"]
        ended = raw["status"] == "completed"
        return WorkflowRun(
            id=raw["id"],
            node_id=raw["node_id"],
            file=file_name(raw["path"]),
            name=raw.get("name") or "",
            branch=raw["head_branch"] or "",
            sha=raw["head_sha"],
            event=raw["event"],
            status=raw["status"] or "",
            conclusion=raw["conclusion"],
            started=started,
            seconds=seconds_between(started, raw["updated_at"]) if ended else None,
            url=raw["html_url"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise unreadable("GET /actions/runs") from error


def told(of: WorkflowRun) -> dict[str, Any]:
    """Return a run as modules do."""
    return {name: value for name, value in asdict(of).items() if name != "node_id"}


def _jobs(found: Mapping[str, Any]) -> dict[int, list[Job]]:
    try:
        return {
            node["databaseId"]: [_job(raw) for raw in node["checkSuite"]["checkRuns"]["nodes"]]
            for node in found["nodes"]
            if node
        }
    except (KeyError, TypeError) as error:
        raise unreadable("POST /graphql") from error


def _pull(raw: Any) -> Pull:
    rollup = raw["commits"]["nodes"][0]["commit"]["statusCheckRollup"]
    return Pull(
        number=raw["number"],
        title=raw["title"],
        branch=raw["headRefName"],
        base=raw["baseRefName"],
        url=raw["url"],
        blocked=rollup is not None and rollup["state"] in ("FAILURE", "ERROR"),
    )


def _job(raw: Any) -> Job:
    begun, ended = raw["startedAt"], raw["completedAt"]
    # REST says failure where GraphQL says FAILURE.
    conclusion = raw["conclusion"].lower() if raw["conclusion"] else None
    return Job(
        name=raw["name"], conclusion=conclusion, seconds=seconds_between(begun, ended) if begun and ended else None
    )


def file_name(path: str) -> str:
    """Return a workflow's file name: GitHub's paths may end with the ref that the file was read at."""
    return path.partition("@")[0].removeprefix(f"{DIRECTORY}/")
