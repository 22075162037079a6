# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows, runs, jobs and artifacts over REST."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any

from . import shapes
from .exchange import PAGE, Answer, Call, GitHubError, answers, not_found
from .repository import Artifact, Workflow
from .runs import Run, moment, stamp

_RUN_FILTERS = ("branch", "created", "event", "exclude_pull_requests", "head_sha", "status", *PAGE)
#: The one step that each job has.
_STEP = "Run"
_COMPARE: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
    (">=", operator.ge),
    ("<=", operator.le),
    (">", operator.gt),
    ("<", operator.lt),
)


@answers("GET", "/actions/workflows", *PAGE)
def list_workflows(call: Call) -> dict[str, Any]:
    found = call.repository.workflows()
    return {"total_count": len(found), "workflows": [_workflow(call, each) for each in call.page(found)]}


@answers("GET", "/actions/workflows/{workflow_id}")
def get_workflow(call: Call) -> dict[str, Any]:
    return _workflow(call, call.repository.workflow(call["workflow_id"]))


@answers("PUT", "/actions/workflows/{workflow_id}/enable")
def enable_workflow(call: Call) -> Answer:
    call.repository.set_enabled(call.repository.workflow(call["workflow_id"]), True)
    return Answer(204)


@answers("PUT", "/actions/workflows/{workflow_id}/disable")
def disable_workflow(call: Call) -> Answer:
    call.repository.set_enabled(call.repository.workflow(call["workflow_id"]), False)
    return Answer(204)


@answers("POST", "/actions/workflows/{workflow_id}/dispatches")
def dispatch(call: Call) -> Answer:
    workflow = call.repository.workflow(call["workflow_id"])
    run = call.repository.dispatch(workflow, call.body["ref"], call.body.get("inputs") or {})
    if not (call.run_details and call.body.get("return_run_details")):
        return Answer(204)
    urls = {"run_url": call.url("actions/runs", run.id), "html_url": call.web("actions/runs", run.id)}
    return Answer(200, shapes.complete("workflow-dispatch-response", workflow_run_id=run.id, **urls))


@answers("GET", "/actions/workflows/{workflow_id}/runs", *_RUN_FILTERS)
def list_workflow_runs(call: Call) -> dict[str, Any]:
    workflow = call.repository.workflow(call["workflow_id"])
    return _runs(call, [run for run in call.repository.listed_runs() if run.workflow_id == workflow.id])


@answers("GET", "/actions/runs", *_RUN_FILTERS)
def list_runs(call: Call) -> dict[str, Any]:
    return _runs(call, call.repository.listed_runs())


@answers("GET", "/actions/runs/{run_id}", "exclude_pull_requests")
def get_run(call: Call) -> dict[str, Any]:
    return _run(call, call.repository.run(call["run_id"]))


@answers("POST", "/actions/runs/{run_id}/cancel")
def cancel(call: Call) -> Answer:
    run = call.repository.run(call["run_id"])
    now = time.time()
    if run.cancel_asked is not None or run.stage(now).status == "completed":
        raise GitHubError(409, "Cannot cancel a workflow run that is completed.")
    run.cancel(now, heeds=run.id not in call.repository.uncancellable)
    return Answer(202, {})


@answers("POST", "/actions/runs/{run_id}/force-cancel")
def force_cancel(call: Call) -> Answer:
    run = call.repository.run(call["run_id"])
    now = time.time()
    if run.stage(now).status == "completed":
        raise GitHubError(409, "Cannot cancel a workflow run that is completed.")
    run.cancel(now, heeds=True)
    return Answer(202, {})


@answers("GET", "/actions/runs/{run_id}/jobs", "filter", *PAGE)
def list_jobs(call: Call) -> dict[str, Any]:
    run = call.repository.run(call["run_id"])
    jobs = call.repository.jobs[run.id]
    return {"total_count": len(jobs), "jobs": [_job(call, run, *each) for each in call.page(jobs)]}


@answers("GET", "/actions/runs/{run_id}/logs")
def download_logs(call: Call) -> Answer:
    run = call.repository.run(call["run_id"])
    if run.stage(time.time()).status != "completed":
        raise not_found()
    jobs = [job for _number, job in call.repository.jobs[run.id]]
    files = {f"{job.name}/1_{_STEP}.txt": f"{stamp(run.created)} {job.name}: {job.conclusion}\n" for job in jobs}
    return Answer(302, None, {"Location": call.archive(files)})


@answers("GET", "/actions/runs/{run_id}/artifacts", "name", *PAGE)
def list_run_artifacts(call: Call) -> dict[str, Any]:
    run = call.repository.run(call["run_id"])
    return _artifacts(call, [each for each in call.repository.artifacts if each.run is run])


@answers("GET", "/actions/artifacts", "name", *PAGE)
def list_artifacts(call: Call) -> dict[str, Any]:
    return _artifacts(call, call.repository.artifacts)


@answers("GET", "/actions/artifacts/{artifact_id}/{archive_format}")
def download_artifact(call: Call) -> Answer:
    for artifact in _uploaded(call.repository.artifacts):
        if str(artifact.id) == call["artifact_id"] and call["archive_format"] == "zip":
            return Answer(302, None, {"Location": call.archive(artifact.files)})
    raise not_found()


@answers("GET", "/check-runs/{check_run_id}/annotations", *PAGE)
def list_annotations(call: Call) -> list[Any]:
    if not any(str(number) == call["check_run_id"] for jobs in call.repository.jobs.values() for number, _job in jobs):
        raise not_found()
    return []


def _workflow(call: Call, workflow: Workflow) -> dict[str, Any]:
    return shapes.complete(
        "workflow",
        id=workflow.id,
        node_id=f"W_{workflow.id}",
        name=workflow.name,
        path=workflow.path,
        state="active" if workflow.enabled else "disabled_manually",
        url=call.url("actions/workflows", workflow.id),
        html_url=call.web("blob", call.repository.default_branch, workflow.path),
    )


def _runs(call: Call, runs: list[Run]) -> dict[str, Any]:
    query, now = call.query, time.time()
    wanted = {"head_branch": query.get("branch"), "event": query.get("event"), "head_sha": query.get("head_sha")}
    found = [run for run in runs if all(value in (None, getattr(run, name)) for name, value in wanted.items())]
    if "status" in query:
        found = [run for run in found if query["status"] in (run.stage(now).status, run.stage(now).conclusion)]
    if "created" in query:
        found = [run for run in found if _within(int(run.created), query["created"])]
    return {"total_count": len(found), "workflow_runs": [_run(call, run) for run in call.page(found)]}


def _within(created: float, asked: str) -> bool:
    """Whether a moment is in a range as GitHub's search writes it; a day given as the end is meant wholly."""
    if ".." in asked:
        begin, end = asked.split("..")
        return (begin == "*" or created >= moment(begin)) and (end == "*" or created <= _end(end))
    for sign, compare in _COMPARE:
        if asked.startswith(sign):
            limit = asked[len(sign) :]
            return compare(created, _end(limit) if sign in (">", "<=") else moment(limit))
    return moment(asked) <= created <= _end(asked)


def _end(text: str) -> float:
    return moment(text) + (86399 if len(text) == len("2026-01-01") else 0)


def _run(call: Call, run: Run) -> dict[str, Any]:
    stage = run.stage(time.time())
    url = call.url("actions/runs", run.id)
    return shapes.complete(
        "workflow-run",
        id=run.id,
        node_id=f"WFR_{run.id}",
        name=run.name,
        display_title=run.title,
        path=run.workflow,
        workflow_id=run.workflow_id,
        run_number=run.number,
        run_attempt=1,
        event=run.event,
        status=stage.status,
        conclusion=stage.conclusion,
        head_branch=run.head_branch,
        head_sha=run.head_sha,
        head_commit=shapes.simple_commit(call.repository.git.commit(run.head_sha)),
        created_at=stamp(run.created),
        run_started_at=stamp(run.created),
        updated_at=stamp(stage.ended or max(stage.started, run.created)),
        repository=shapes.repository(call, "minimal-repository"),
        head_repository=shapes.repository(call, "minimal-repository"),
        url=url,
        html_url=call.web("actions/runs", run.id),
        jobs_url=f"{url}/jobs",
        artifacts_url=f"{url}/artifacts",
        cancel_url=f"{url}/cancel",
        workflow_url=call.url("actions/workflows", run.workflow_id),
    )


def _job(call: Call, run: Run, number: int, job: Any) -> dict[str, Any]:
    stage = run.job_stage(job, time.time())
    return shapes.complete(
        "job",
        id=number,
        node_id=f"CR_{number}",
        run_id=run.id,
        run_url=call.url("actions/runs", run.id),
        run_attempt=1,
        head_sha=run.head_sha,
        head_branch=run.head_branch,
        workflow_name=run.name,
        name=job.name,
        status=stage.status,
        conclusion=stage.conclusion,
        created_at=stamp(run.created),
        started_at=stamp(stage.started),
        completed_at=stamp(stage.ended) if stage.ended is not None else None,
        url=call.url("actions/jobs", number),
        html_url=call.web("actions/runs", run.id, "job", number),
        check_run_url=call.url("check-runs", number),
        labels=["ubuntu-latest"],
        steps=[{"name": _STEP, "number": 1, "status": stage.status, "conclusion": stage.conclusion}],
    )


def _uploaded(artifacts: list[Artifact]) -> list[Artifact]:
    now = time.time()
    return [each for each in artifacts if each.run.stage(now).status == "completed"]


def _artifacts(call: Call, artifacts: list[Artifact]) -> dict[str, Any]:
    found = [each for each in _uploaded(artifacts) if call.query.get("name") in (None, each.name)]
    return {"total_count": len(found), "artifacts": [_artifact(call, each) for each in call.page(found)]}


def _artifact(call: Call, artifact: Artifact) -> dict[str, Any]:
    url = call.url("actions/artifacts", artifact.id)
    run = artifact.run
    ended = run.stage(time.time()).ended or run.created
    return shapes.complete(
        "artifact",
        id=artifact.id,
        node_id=f"A_{artifact.id}",
        name=artifact.name,
        size_in_bytes=sum(map(len, artifact.files.values())),
        url=url,
        archive_download_url=f"{url}/zip",
        created_at=stamp(ended),
        updated_at=stamp(ended),
        expires_at=stamp(ended + 90 * 86400),
        workflow_run={"id": run.id, "head_branch": run.head_branch, "head_sha": run.head_sha},
    )
