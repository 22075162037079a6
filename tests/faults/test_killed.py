# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at any moment, a rollback is continued by the same command or undone by undo.yml, and nothing is lost.

The moments are read from the journal, from outside: the code under test knows nothing of these tests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.arena import MOMENTS, VICTIMS, Arena, Blow, sample
from ansible_collections.tiered.rollback.tests.support.processes import kill_when
from ansible_collections.tiered.rollback.tests.support.stack import Stack

GOOD, BAD = "v0.9.0", "v1.0.0"
GREETING = {"GREETING": "${GREETING}"}


def publish(stack: Stack) -> None:
    stack.compose({"api": stack.published(environment=GREETING), "steady": stack.service("steady:1")})
    stack.tag("steady:1", GOOD)


def replicate(stack: Stack) -> None:
    """No port, no fixed name: the cutover is start-first, which leaves two replicas when it is killed."""
    stack.compose({"api": stack.service(environment=GREETING), "steady": stack.service("steady:1")})
    stack.description["services"] = {"api": {"settle": 0.5}}
    stack.tag("steady:1", GOOD)


#: How a service is switched, by name.
CUTOVERS = {"stop_first": publish, "start_first": replicate}


def blows(name: str, moments: list[tuple[str, float]], kinds: Callable[[tuple[str, Blow]], list[str]]) -> Any:
    """Mark a test of a blow, by either way to switch."""
    found = [
        (cutover, Blow(step, delay, victim)) for cutover in CUTOVERS for step, delay in moments for victim in VICTIMS
    ]
    chosen = sample(name, found, 1, kinds)
    return pytest.mark.parametrize(("arena", "blow"), chosen, indirect=["arena"], ids=str)


@pytest.fixture(scope="module")
def arena_of(make_stack: Callable[..., Stack]) -> Callable[[str], Arena]:
    """One stack for each way, however often the tests go from one way to the other."""

    @functools.cache
    def make(cutover: str) -> Arena:
        made = make_stack()
        CUTOVERS[cutover](made)
        made.write(".env", "GREETING=good\n")
        made.deploy(GOOD)
        made.capture(GOOD)
        return Arena(made)

    return make


@pytest.fixture
def arena(request: pytest.FixtureRequest, arena_of: Callable[[str], Arena]) -> Arena:
    return arena_of(request.param)


def break_it(stack: Stack) -> dict[str, Any]:
    """Deploy the bad version and return what must come back when the rollback is undone."""
    stack.write(".env", "GREETING=bad\n")
    stack.deploy(BAD)
    return seen(stack)


def seen(stack: Stack) -> dict[str, Any]:
    return {"images": stack.image_ids(), "files": stack.files(), "count": {k: len(v) for k, v in stack.ids().items()}}


@pytest.mark.fault("tier1-emergency", "kill")
@blows("continued", MOMENTS, lambda case: [case[0], case[1].victim])
def test_a_killed_rollback_is_continued_by_the_same_command_and_can_be_undone(arena: Arena, blow: Blow) -> None:
    stack = arena.stack
    before = break_it(stack)
    steady = stack.ids()["steady"]

    arena.hit(stack.start("tier1-emergency.yml", version=GOOD), blow)
    stack.rollback(GOOD).ok()

    after = seen(stack)
    assert after["images"]["api"] == stack.images.get(GOOD)
    assert (stack.src / ".env").read_text() == "GREETING=good\n"
    assert after["count"] == {"api": 1, "steady": 1}, "nothing is left over"
    assert stack.ids()["steady"] == steady, "a service that did not change was not touched"
    assert stack.healthy()
    assert arena.at_rest()

    stack.undo().ok()
    assert seen(stack) == before


@pytest.mark.fault("undo", "kill")
@blows("undo", MOMENTS[:-1], lambda _case: [])
def test_a_killed_undo_is_continued_by_the_same_command(arena: Arena, blow: Blow) -> None:
    stack = arena.stack
    before = break_it(stack)
    stack.rollback(GOOD).ok()

    arena.hit(stack.start("undo.yml"), blow)
    stack.undo().ok()

    assert seen(stack) == before
    assert arena.at_rest()


@pytest.mark.fault("tier1-emergency", "kill")
@blows("undone", MOMENTS[2:9:2], lambda _case: [])
def test_a_killed_rollback_is_undone_by_undo(arena: Arena, blow: Blow) -> None:
    stack = arena.stack
    before = break_it(stack)

    arena.hit(stack.start("tier1-emergency.yml", version=GOOD), blow)
    stack.undo().ok()

    assert seen(stack) == before
    assert arena.at_rest()


@pytest.mark.fault("tier1-emergency", "kill")
@pytest.mark.parametrize("arena", sample("again and again", CUTOVERS, 1, lambda _cutover: []), indirect=True)
def test_killed_again_and_again_it_still_arrives(arena: Arena) -> None:
    stack = arena.stack
    before = break_it(stack)

    for step, delay in (MOMENTS[4], MOMENTS[3], MOMENTS[5], MOMENTS[8]):
        kill_when(stack.start("tier1-emergency.yml", version=GOOD), reached_anew(arena, step), delay)
    stack.rollback(GOOD).ok()
    assert stack.image_ids()["api"] == stack.images.get(GOOD)

    stack.undo().ok()
    assert seen(stack) == before


def reached_anew(arena: Arena, step: str) -> Callable[[], bool]:
    """Count only steps of the run that is under way, not those that the killed ones left."""

    def count() -> int:
        return len([each for each in arena.journal()["steps"] if each["name"] == step])

    known = count()
    return lambda: count() > known
