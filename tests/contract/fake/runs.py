# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow runs: what becomes of one, and where it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

#: The part of its time that a run waits in the queue, and the most seconds of it.
_QUEUED, _QUEUED_SECONDS = 0.1, 0.5
#: Seconds until an accepted cancellation has come true.
_CANCELLING = 0.1


@dataclass(frozen=True)
class Job:
    """One job of a run."""

    name: str
    conclusion: str = "success"
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What becomes of a run, and after how long; artifacts are files with their text, by the artifact's name."""

    conclusion: str = "success"
    seconds: float = 0.0
    jobs: tuple[Job, ...] = ()
    artifacts: Mapping[str, Mapping[str, str | bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """Where a run or a job is at a moment."""

    status: str
    conclusion: str | None
    started: float
    ended: float | None


@dataclass
class Run:
    """One run of a workflow."""

    id: int
    number: int
    workflow: str
    workflow_id: int
    #: The workflow's own name, and what the run shows.
    name: str
    title: str
    #: The workflow file at the commit.
    text: str
    inputs: Mapping[str, str]
    head_branch: str
    head_sha: str
    event: str
    created: float
    outcome: Outcome = field(default_factory=Outcome)
    #: "queued" or "in_progress" where it stays so until it is cancelled.
    held: str | None = None
    cancel_asked: float | None = None
    cancelled: float | None = None

    def stage(self, now: float) -> Stage:
        """Where the run is."""
        started = self.created + min(self.outcome.seconds * _QUEUED, _QUEUED_SECONDS)
        ended = self.created + self.outcome.seconds
        if self.cancelled is not None and (self.held or self.cancelled < ended):
            if now >= self.cancelled:
                return Stage("completed", "cancelled", min(started, self.cancelled), self.cancelled)
        elif not self.held and now >= ended:
            return Stage("completed", self.outcome.conclusion, started, ended)
        if self.held:
            return Stage(self.held, None, self.created, None)
        return Stage("in_progress" if now >= started else "queued", None, started, None)

    def job_stage(self, job: Job, now: float) -> Stage:
        """Where one of its jobs is; all begin together."""
        whole = self.stage(now)
        ended = whole.started + job.seconds
        if self.held or whole.status == "queued" or (whole.ended is None and now < ended):
            return whole
        if whole.conclusion == "cancelled" and whole.ended is not None and ended > whole.ended:
            return whole
        return Stage("completed", job.conclusion, whole.started, ended)

    def cancel(self, now: float, *, heeds: bool) -> None:
        """Accept a cancellation, which comes true a moment later; or never, where the run does not heed it."""
        self.cancel_asked = now
        if heeds:
            self.cancelled = now + _CANCELLING


def stamp(moment: float) -> str:
    """A moment as GitHub writes it: whole seconds, cut off."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """What a date or time means."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
