# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MCP containers and their data go back: with a restore point, by name or pattern, or the data alone to a snapshot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine, peelback
from ansible_collections.tiered.rollback.tests.support.stack import Stack

OLD, NEW = "v0.9.0", "v1.0.0"


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Iterator[Stack]:
    """``api`` works on the data of which peelback, beside it, keeps the snapshots; v0.9.0 is captured."""
    made: Stack = make_stack()
    peelback.bring_up(made, OLD)
    made.capture(OLD)
    yield made
    peelback.remove(made)


@pytest.fixture
def broken(stack: Stack) -> Stack:
    """v1.0.0 runs and has written."""
    stack.trouble(OLD, "")
    stack.deploy(NEW)
    stack.write("data/state", "of v1.0.0\n")
    return stack


def data(stack: Stack) -> str:
    return (stack.src / "data/state").read_text()


def test_a_restore_point_holds_the_data_and_a_rollback_brings_it_back_and_its_undo_the_other(broken: Stack) -> None:
    stack = broken
    manifest = stack.manifest(stack.points(OLD)[-1])
    kept = {snapshot.id: snapshot.kept for snapshot in peelback.client(stack).snapshots()}
    assert kept[manifest["mcp"]] is True

    foretold = stack.rollback(OLD, "--check", "--diff").ok()
    assert f"restore_snapshot mcp: {manifest['mcp']}" in foretold.output
    assert data(stack) == "of v1.0.0\n"
    stack.rollback(OLD).ok()
    assert data(stack) == "of v0.9.0\n"
    assert stack.image_ids() == {"api": stack.images.get(OLD)}
    assert f" files as in {manifest['mcp']}" in stack.report()[1]

    # What the version wrote since is its own: the same command does not throw it away.
    stack.write("data/state", "written since\n")
    assert stack.rollback(OLD).ok().recap["changed"] == 0
    assert data(stack) == "written since\n"

    stack.undo().ok()
    assert data(stack) == "of v1.0.0\n"
    assert stack.image_ids() == {"api": stack.images.get(NEW)}


def test_the_data_stays_where_that_is_stated(broken: Stack) -> None:
    broken.rollback(OLD, mcp=False).ok()
    assert data(broken) == "of v1.0.0\n"
    assert broken.image_ids() == {"api": broken.images.get(OLD)}


def test_a_target_that_does_not_hold_takes_the_data_back_too(broken: Stack) -> None:
    (check,) = broken.description["services"]["api"]["checks"]
    check["json"] = {"version": NEW}
    failed = broken.rollback(OLD)
    del check["json"]
    assert failed.rc != 0
    assert "was put back" in failed.said
    assert data(broken) == "of v1.0.0\n"
    assert broken.image_ids() == {"api": broken.images.get(NEW)}


def test_a_snapshot_that_is_gone_is_found_before_anything_is_touched(make_stack: Any, broken: Stack) -> None:
    wanted = broken.capture(NEW)
    peelback.client(broken).remove(broken.manifest(wanted)["mcp"])
    broken.deploy(OLD)
    # An earlier test has left v1.0.0 by a rollback.
    broken.run("quarantine.yml", release=NEW).ok()
    before = broken.snapshot()
    refused = broken.rollback(wanted)
    assert refused.rc != 0
    assert f"the MCP data of {wanted} is gone" in refused.said
    assert "-e mcp=false" in refused.said
    assert broken.snapshot() == before


def test_the_data_alone_goes_to_a_snapshot_and_the_service_is_stopped_meanwhile(broken: Stack) -> None:
    stack, mcp = broken, peelback.client(broken)
    wanted = mcp.snapshot("before the bad import", keep=False)
    stack.write("data/state", "bad import\n")
    started = stack.containers("api")[0]["State"]["StartedAt"]

    assert stack.run("mcp-rollback.yml", "--check", snapshot=wanted.id).ok().recap["changed"] == 1
    assert data(stack) == "bad import\n"
    stack.run("mcp-rollback.yml", snapshot=wanted.id).ok()
    assert data(stack) == "of v1.0.0\n"
    assert stack.containers("api")[0]["State"]["StartedAt"] > started
    assert stack.run("mcp-rollback.yml", snapshot=wanted.id).ok().recap["changed"] == 0

    stack.undo().ok()
    assert data(stack) == "bad import\n"


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"snapshot": "snapshot-1"}, "there is no snapshot snapshot-1", "There are: snapshot-"),
        ({"snapshot": "../etc"}, "unsafe or malformed", "Use letters"),
        ({"levels": 99}, "99 levels back were asked for, and there are", "nothing was touched"),
        ({"levels": 1, "snapshot": "snapshot-1"}, "mutually exclusive", "first lines"),
        ({}, "one of the following is required: service, pattern, snapshot, levels", "first lines"),
        ({"service": "mcp", "version": OLD}, "no service of this stack is called mcp", "Its services: api"),
    ],
)
def test_bad_input_is_refused(broken: Stack, given: dict[str, Any], message: str, hint: str) -> None:
    before = broken.snapshot()
    refused = broken.run("mcp-rollback.yml", **given)
    assert refused.rc != 0
    assert message in refused.said
    assert hint in refused.said
    assert peelback.TOKEN not in refused.output
    assert broken.snapshot() == before


def test_a_crash_loop_ends_with_the_data_of_a_level_before(broken: Stack) -> None:
    """Scenario 4 of document 003: the data makes the container crash; it goes back and the container starts again."""
    stack = broken
    peelback.client(stack).snapshot("good", keep=False)
    stack.write("data/trouble", f"{NEW} crash\n")
    (api,) = stack.containers("api")
    engine.docker("restart", api["Id"])
    deadline = time.monotonic() + 60
    while stack.containers("api")[0]["RestartCount"] < 3:
        assert time.monotonic() < deadline, "the container does not crash again and again"
        time.sleep(0.2)

    stack.run("mcp-rollback.yml", levels=1).ok()

    assert stack.healthy()
    assert not (stack.src / "data/trouble").exists() or not (stack.src / "data/trouble").read_text()
    assert stack.run("mcp-rollback.yml", levels=1).ok().recap["changed"] == 0


def test_a_service_that_does_not_answer_before_is_asked_after_the_switch(broken: Stack) -> None:
    """The release that is rolled back may be what broke it; here it comes back with a little help."""
    container = f"{broken.project}-peelback"
    engine.docker("stop", container)
    refused = broken.rollback(OLD)
    assert refused.rc != 0
    assert "the MCP data cannot be brought back" in refused.said
    assert "looked for after the switch" in refused.said
    assert broken.image_ids() == {"api": broken.images.get(NEW)}
    broken.rollback(OLD, mcp=False).ok()
    engine.docker("start", container)


def test_every_service_that_matches_goes_back_together_or_none(make_stack: Any) -> None:
    stack: Stack = make_stack()
    names = ["mcp-files", "mcp-git", "mcp-mail"]

    def deploy(version: str) -> None:
        services = {name: stack.service(f"{name}:production") for name in names}
        stack.compose({**services, "web": stack.published("web:production")})
        for name in [*names, "web"]:
            stack.tag(f"{name}:production", version)
        stack.up()

    deploy(OLD)
    stack.capture(OLD)
    deploy(NEW)
    web = stack.ids()["web"]

    done = stack.run("mcp-rollback.yml", pattern="mcp-*", version=OLD).ok()
    assert stack.image_ids() == {**{name: stack.images.get(OLD) for name in names}, "web": stack.images.get(NEW)}
    assert stack.ids()["web"] == web
    for name in names:
        assert f'"container {name}": "as captured"' in done.output

    stack.undo().ok()
    stack.run("mcp-rollback.yml", service="mcp-git", version=OLD).ok()
    assert stack.image_ids()["mcp-git"] == stack.images.get(OLD)
    assert stack.image_ids()["mcp-files"] == stack.images.get(NEW)

    stack.undo().ok()
    stack.trouble(OLD, "unhealthy")
    failed = stack.run("mcp-rollback.yml", pattern="mcp-*", version=OLD)
    assert failed.rc != 0
    assert "does not get healthy" in failed.said
    assert set(stack.image_ids().values()) == {stack.images.get(NEW)}
    assert stack.healthy()
