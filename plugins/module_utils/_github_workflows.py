# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows as GitHub lists them, and runs of them by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _github_runs, _github_tree, _workflow
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub, segment, unreadable
from ansible_collections.tiered.rollback.plugins.module_utils._http import HttpError

ACTIVE = "active"
#: Seconds that a run may take to be listed after its dispatch was accepted without an id.
_APPEARS = 60.0


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


def workflow(github: GitHub, file: str) -> Workflow:
    """Return the workflow of a file's name."""
    try:
        return _listed(github.get(f"/actions/workflows/{segment(file)}"))
    except HttpError as error:
        if error.status != 404:
            raise
        known = ", ".join(sorted(each.file for each in workflows(github))) or "none"
        raise RollbackError(f"{github.api.repository} has no workflow {file}", f"Known: {known}.") from error


def workflows(github: GitHub) -> list[Workflow]:
    """Return every workflow of the repository."""
    return [_listed(raw) for raw in github.pages("/actions/workflows", "workflows", 1000)]


def dispatchable(github: GitHub, file: str, ref: str) -> _workflow.Workflow | None:
    """Return a workflow as it is at a branch or tag, if it can be run by request; None where it has no such trigger.

    :raises RollbackError: where there is no such workflow, or it is disabled.
    """
    found = workflow(github, file)
    if found.state != ACTIVE:
        raise RollbackError(
            f"{file} cannot be run: it is {found.state}",
            "Enable it first: tiered.rollback.github_workflow with state: enabled.",
        )
    content = _github_tree.file(github, f"{_workflow.DIRECTORY}/{file}", ref)
    if content is None:
        raise RollbackError(f"{ref} has no workflow {file}", "Give a branch or tag that has it as ref.")
    parsed = _workflow.parse(file, content)
    return parsed if parsed.dispatch is not None else None


def inputs(given: Mapping[str, Any]) -> dict[str, str]:
    """Return inputs as GitHub takes them: texts."""
    if wrong := [name for name, value in given.items() if not isinstance(value, (str, int, float))]:
        raise RollbackError(
            f"the inputs {', '.join(wrong)} must be texts, numbers or booleans", "GitHub takes no other."
        )
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def dispatch(github: GitHub, file: str, ref: str, inputs: Mapping[str, str]) -> int:
    """Start a run and return its id.

    An older GitHub Enterprise does not say which run it started: it is the one that was not there before.
    """
    seen = _github_runs.runs(github, file, most=1, event="workflow_dispatch", branch=ref)
    body = {"ref": ref, "inputs": dict(inputs), "return_run_details": True}
    answer = github.send("POST", f"/actions/workflows/{segment(file)}/dispatches", body)
    if isinstance(answer, dict) and isinstance(answer.get("workflow_run_id"), int):
        return int(answer["workflow_run_id"])
    return _started_since(github, file, ref, seen[0].id if seen else 0)


def _started_since(github: GitHub, file: str, ref: str, last: int) -> int:
    for _left in _github_runs.looks(_APPEARS):
        found = _github_runs.runs(github, file, most=10, event="workflow_dispatch", branch=ref)
        new = [each.id for each in found if each.id > last]
        if len(new) == 1:
            return new[0]
        if new:
            raise RollbackError(
                f"{len(new)} runs of {file} on {ref} were started at the same time: {', '.join(map(str, new))}",
                "This GitHub does not say which is whose; look at them before running this again.",
            )
    raise RollbackError(
        f"{file} was dispatched on {ref}, but no run of it appeared within {_APPEARS:.0f} s",
        "See the repository's Actions page; the run may still come.",
    )


def _listed(raw: Any) -> Workflow:
    try:
        return Workflow(id=raw["id"], name=raw["name"], file=_github_runs.file_name(raw["path"]), state=raw["state"])
    except (KeyError, TypeError, AttributeError) as error:
        raise unreadable("GET /actions/workflows") from error
