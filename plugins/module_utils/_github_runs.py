# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of workflows: looked up with what they left, waited for and cancelled."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _workflow
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub, segment, unreadable
from ansible_collections.tiered.rollback.plugins.module_utils._http import HttpError
from ansible_collections.tiered.rollback.plugins.module_utils._run import seconds_between

_POLL_FIRST, _POLL_LAST = 0.5, 10.0

_JOBS = """
nodes(ids: $ids) {
  ... on WorkflowRun { checkSuite { checkRuns(first: 100) { nodes {
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
    """Return the jobs of up to a hundred runs, by the run's id, in one request; none of what the token may not see."""
    if not of:
        return {}
    query = f"query($ids: [ID!]!) {{ {_JOBS} }}"
    found = github.graphql(query, {"ids": [each.node_id for each in of[:100]]}, partly=True)
    return _jobs(of, found)


def jobs_and_pulls(github: GitHub, of: Sequence[WorkflowRun]) -> tuple[dict[int, list[Job]], list[Pull]]:
    """Return the jobs of up to a hundred runs, and up to a hundred open pull requests, in one request."""
    owner, name = github.api.repository.split("/")
    found = github.graphql(
        f"query($ids: [ID!]!, $owner: String!, $name: String!) {{ {_JOBS} {_PULLS} }}",
        {"ids": [each.node_id for each in of[:100]], "owner": owner, "name": name},
        partly=True,
    )
    try:
        return _jobs(of, found), [_pull(raw) for raw in found["repository"]["pullRequests"]["nodes"]]
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


def download(github: GitHub, artifact: Artifact) -> bytes:
    """Return an artifact's archive."""
    return github.download(f"/actions/artifacts/{artifact.id}/zip")


def wait_for(github: GitHub, file: str | None, timeout: float, *, most: int = 1, **query: Any) -> list[WorkflowRun]:
    """Return the runs that match once the newest has ended, or as they are after *timeout* seconds."""
    found: list[WorkflowRun] = []
    for left in looks(timeout):
        found = runs(github, file, most=most, **query)
        if found:
            return [wait(github, found[0].id, left), *found[1:]]
    return found


def wait(github: GitHub, number: int, timeout: float) -> WorkflowRun:
    """Return a run when it has ended, or as it is after *timeout* seconds."""
    for left in looks(timeout):
        found = run(github, number)
        if found.ended or not left:
            break
    return found


def looks(timeout: float) -> Iterator[float]:
    """Wait a little longer each time, since what one waits for is soon there or takes long.

    :returns: for each look how many seconds are left; 0 for the last one.
    """
    deadline, pause = time.monotonic() + timeout, _POLL_FIRST
    while (left := deadline - time.monotonic()) > 0:
        yield left
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, _POLL_LAST)
    yield 0.0


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


def _jobs(of: Sequence[WorkflowRun], found: Mapping[str, Any]) -> dict[int, list[Job]]:
    try:
        # By their place: GraphQL's databaseId has 32 bits, which a run's number has outgrown.
        listed = {each.id: _check_runs(node) for each, node in zip(of[:100], found["nodes"], strict=True)}
        return {number: [_job(raw) for raw in nodes] for number, nodes in listed.items() if None not in nodes}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable("POST /graphql") from error


def _check_runs(run: Any) -> list[Any]:
    """The check runs that a run's jobs are; what the token may not see is None."""
    suite = run and run["checkSuite"]
    found = suite and suite["checkRuns"]
    return found["nodes"] if found else [None]


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
    return path.partition("@")[0].removeprefix(f"{_workflow.DIRECTORY}/")
