# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at any moment, a rollback is continued by the same command or undone by undo.yml, and nothing is lost.

The moments are read from the journal, from outside: the code under test knows nothing of these tests.

``TIERED_FAULTS_FULL=1`` runs every case, otherwise a sample that fits into CI.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.processes import kill_when
from ansible_collections.tiered.rollback.tests.support.stack import Stack

GOOD, BAD = "v0.9.0", "v1.0.0"


@dataclass(frozen=True)
class Moment:
    """When to kill: *delay* seconds after a step of the journal has begun (``lock``: after the lock was taken)."""

    step: str
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.step}+{self.delay}"


MOMENTS = [
    Moment("lock", 0.1),
    Moment("preflight"),
    Moment("configuration"),
    Moment("images"),
    Moment("containers"),
    Moment("containers", 0.4),
    Moment("containers", 0.8),
    Moment("containers", 1.2),
    Moment("checks"),
    Moment("outcome"),
]


FULL = os.environ.get("TIERED_FAULTS_FULL") == "1"
SEED = int(os.environ["TIERED_FAULTS_SEED"])


def sample(moments: list[Moment]) -> list[Moment]:
    """Every moment, or without FULL every other one, which of the two halves the seed decides."""
    return moments if FULL else moments[SEED % 2 :: 2]


def journal(stack: Stack) -> dict[str, Any]:
    path = stack.state / stack.name / "journal.json"
    return dict(json.loads(path.read_text())) if path.exists() else {"steps": [], "facts": {}}


def reached(stack: Stack, moment: Moment) -> Callable[[], bool]:
    def look() -> bool:
        if moment.step == "lock":
            path = stack.state / stack.name / "lock"
            return path.exists() and path.stat().st_size > 0
        found = journal(stack)
        if moment.step == "outcome":
            return "outcome" in found["facts"]
        return any(step["name"] == moment.step for step in found["steps"])

    return look


GREETING = {"GREETING": "${GREETING}"}


def publish(stack: Stack) -> None:
    stack.compose(
        {"api": stack.published(environment={"GREETING": "${GREETING}"}), "steady": stack.service("steady:1")}
    )
    stack.tag("steady:1", GOOD)


def replicate(stack: Stack) -> None:
    """No port, no fixed name: the cutover is start-first, which leaves two replicas when it is killed."""
    stack.compose({"api": stack.service(environment=GREETING), "steady": stack.service("steady:1")})
    stack.description["services"] = {"api": {"settle": 0.5}}
    stack.tag("steady:1", GOOD)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(publish, id="stop_first", marks=pytest.mark.xdist_group("stop_first")),
        pytest.param(replicate, id="start_first", marks=pytest.mark.xdist_group("start_first")),
    ],
)
def stack(request: pytest.FixtureRequest, make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack()
    request.param(made)
    made.write(".env", "GREETING=good\n")
    made.deploy(GOOD)
    made.capture(GOOD)
    return made


def break_it(stack: Stack) -> dict[str, Any]:
    """Deploy the bad version and return what must come back when the rollback is undone."""
    stack.write(".env", "GREETING=bad\n")
    stack.deploy(BAD)
    return seen(stack)


def seen(stack: Stack) -> dict[str, Any]:
    return {"images": stack.image_ids(), "files": stack.files(), "count": {k: len(v) for k, v in stack.ids().items()}}


@pytest.mark.parametrize("moment", sample(MOMENTS), ids=str)
def test_a_killed_rollback_is_continued_by_the_same_command_and_can_be_undone(stack: Stack, moment: Moment) -> None:
    before = break_it(stack)
    steady = stack.ids()["steady"]

    killed = kill_when(stack.start("tier1-emergency.yml", version=GOOD), reached(stack, moment), moment.delay)
    # A quick machine may be done before a delay is over; what must hold afterwards is the same.
    assert killed or moment.delay or moment.step == "outcome", "the run ended before it could be killed"
    stack.rollback(GOOD).ok()

    after = seen(stack)
    assert after["images"]["api"] == stack.images.get(GOOD)
    assert (stack.src / ".env").read_text() == "GREETING=good\n"
    assert after["count"] == {"api": 1, "steady": 1}, "nothing is left over"
    assert stack.ids()["steady"] == steady, "a service that did not change was not touched"
    assert stack.healthy()
    assert not (stack.state / stack.name / "journal.json").exists()

    stack.undo().ok()
    assert seen(stack) == before


@pytest.mark.parametrize("moment", sample(MOMENTS[2:9:2]), ids=str)
def test_a_killed_rollback_is_undone_by_undo(stack: Stack, moment: Moment) -> None:
    before = break_it(stack)

    killed = kill_when(stack.start("tier1-emergency.yml", version=GOOD), reached(stack, moment), moment.delay)
    # A quick machine may be done before a delay is over; what must hold afterwards is the same.
    assert killed or moment.delay or moment.step == "outcome", "the run ended before it could be killed"
    stack.undo().ok()

    assert seen(stack) == before
    assert not (stack.state / stack.name / "journal.json").exists()


def test_killed_again_and_again_it_still_arrives(stack: Stack) -> None:
    before = break_it(stack)

    for moment in (MOMENTS[4], MOMENTS[3], MOMENTS[5], MOMENTS[8]):
        kill_when(stack.start("tier1-emergency.yml", version=GOOD), reached_anew(stack, moment), moment.delay)
    stack.rollback(GOOD).ok()
    assert stack.image_ids()["api"] == stack.images.get(GOOD)

    stack.undo().ok()
    assert seen(stack) == before


def reached_anew(stack: Stack, moment: Moment) -> Callable[[], bool]:
    """Count only steps of the run that is under way, not those that the killed ones left."""
    known = len([step for step in journal(stack)["steps"] if step["name"] == moment.step])

    def look() -> bool:
        return len([step for step in journal(stack)["steps"] if step["name"] == moment.step]) > known

    return look
