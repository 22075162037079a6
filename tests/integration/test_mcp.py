# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real peelback, run by its role beside a stack, and the modules that ask it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp
from ansible_collections.tiered.rollback.tests.support import engine, peelback
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.task import call

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Iterator[Stack]:
    """A stack that runs, and an inventory that says that peelback shall run beside it."""
    made: Stack = make_stack()
    made.compose({"api": made.service()})
    made.deploy("v0.9.0")
    peelback.describe(made)
    peelback.build(made.variables["peelback_image"])
    yield made
    peelback.remove(made)


@pytest.fixture
def ask(stack: Stack, tmp_path: Path) -> Iterator[Ask]:
    """Call a module on the service that runs, with data in its first state and no snapshot."""
    if not engine.docker("ps", "-q", "--filter", f"name={stack.project}-peelback"):
        stack.run("peelback.yml").ok()
    stack.write("data/state", "first\n")

    def one(module: str, *arguments: str, **options: Any) -> dict[str, Any]:
        return call(stack, tmp_path, module, *arguments, **{"mcp": "{{ rollback_stack.mcp }}", **options})

    yield one
    mcp = Mcp(**stack.description["mcp"])
    for snapshot in mcp.snapshots():
        mcp.remove(snapshot.id)


def state(stack: Stack) -> str:
    return (stack.src / "data/state").read_text()


def same(foretold: dict[str, Any], real: dict[str, Any]) -> bool:
    return all(foretold[key] == real[key] for key in ("changed", "actions", "diff", "files_changed"))


def container(stack: Stack) -> dict[str, Any]:
    (found,) = engine.inspect("container", f"{stack.project}-peelback")
    return found


def test_the_role_runs_the_service_once_and_shows_its_token_nowhere(stack: Stack) -> None:
    before = stack.snapshot()
    foretold = stack.run("peelback.yml", "--check", "--diff").ok()
    assert foretold.recap["changed"]
    assert not engine.docker("ps", "-aq", "--filter", f"name={stack.project}-peelback")
    assert not (stack.state / "peelback").exists()
    assert stack.snapshot() == before

    real = stack.run("peelback.yml", "--diff", "-vvv").ok()
    again = stack.run("peelback.yml").ok()
    assert (real.recap["changed"] > 0, again.recap["changed"]) == (True, 0)
    assert not stack.run("peelback.yml", "--check").ok().recap["changed"]

    found = container(stack)
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["Config"]["Labels"]["tiered.rollback.peelback"] == stack.project
    assert list(found["NetworkSettings"]["Networks"]) == [f"{stack.project}_default"]
    for text in (foretold.output, real.output, json.dumps(found), engine.docker("logs", found["Id"])):
        assert peelback.TOKEN not in text
    file = stack.state / "peelback" / stack.project / "token"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_new_token_or_configuration_starts_it_anew(stack: Stack, ask: Ask) -> None:
    first = container(stack)["Id"]
    config = (stack.src / "mcp-config.yml").read_text()
    stack.write("mcp-config.yml", config.replace("maxSnapshots: 4", "maxSnapshots: 5"))
    stack.run("peelback.yml").ok()
    second = container(stack)["Id"]
    assert ask("mcp_snapshot_info")["peelback"]["max_snapshots"] == 5

    stack.run("peelback.yml", peelback_token="hunter2-another").ok()
    assert len({first, second, container(stack)["Id"]}) == 3
    assert "the token is wrong or missing" in ask("mcp_snapshot_info")["msg"]
    stack.write("mcp-config.yml", config)
    stack.run("peelback.yml").ok()
    assert ask("mcp_snapshot_info")["peelback"]["max_snapshots"] == 4


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"peelback_data": "trt-no-such-volume"}, "The volume or directory trt-no-such-volume is not there"),
        ({"peelback_data": "/no/such/directory"}, "The volume or directory /no/such/directory is not there"),
        ({"peelback_config": "/no/such/mcp-config.yml"}, "The file /no/such/mcp-config.yml is not there"),
        ({"peelback_network": "trt-no-such-network"}, "The network trt-no-such-network is not there"),
        ({"peelback_token": "hunter2 two words"}, "output has been hidden"),
        ({"peelback_name": "../x"}, "peelback_name must be of letters"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_made(stack: Stack, variables: dict[str, str], said: str) -> None:
    outcome = stack.run("peelback.yml", **{"peelback_name": "trt-refused", **variables})
    assert outcome.rc != 0
    assert said in outcome.said
    assert "hunter2" not in outcome.output
    assert not engine.docker("ps", "-aq", "--filter", "name=trt-refused")
    assert not (stack.state / "peelback/trt-refused").exists()


def test_a_service_that_does_not_start_says_why(stack: Stack) -> None:
    stack.write("wrong.yml", peelback.CONFIG.replace("maxSnapshots", "maxSnapshot"))
    name = f"{stack.project}-wrong"
    try:
        outcome = stack.run(
            "peelback.yml",
            peelback_name=name,
            peelback_config=str(stack.src / "wrong.yml"),
            peelback_port=stack.port,
            peelback_timeout=8,
        )
    finally:
        engine.remove_labelled(name, "tiered.rollback.peelback")
    assert outcome.rc != 0
    assert "unknown key recovery.peelback.snapshots.maxSnapshot" in outcome.said


def test_a_volume_is_data_too(stack: Stack) -> None:
    name = f"{stack.project}-volume"
    engine.docker("volume", "create", "--label", f"{engine.LABEL}={stack.project}", name)
    try:
        outcome = stack.run("peelback.yml", peelback_name=name, peelback_data=name, peelback_port=stack.port).ok()
        assert outcome.recap["changed"]
        engine.docker("exec", f"{name}-peelback", "test", "-d", "/app/data/snapshots")
    finally:
        engine.remove_labelled(name, "tiered.rollback.peelback")


def test_a_snapshot_is_taken_restored_undone_and_removed(stack: Stack, ask: Ask) -> None:
    options = {"description": "before v2", "keep": True}
    foretold = ask("mcp_snapshot", "--check", **options)
    assert not ask("mcp_snapshot_info")["snapshots"]
    taken = ask("mcp_snapshot", **options)
    again = ask("mcp_snapshot", **options)
    assert same(foretold, taken)
    assert (taken["changed"], again["changed"], again["snapshot"]) == (True, False, taken["snapshot"])

    stack.write("data/state", "second\n")
    stack.write("data/new", "new\n")
    restore = {"state": "restored", "id": taken["snapshot"]["id"]}
    foretold = ask("mcp_snapshot", "--check", **restore)
    assert (state(stack), len(ask("mcp_snapshot_info")["snapshots"])) == ("second\n", 1)
    real = ask("mcp_snapshot", **restore)
    assert (state(stack), (stack.src / "data/new").exists(), real["files_changed"]) == ("first\n", False, 2)
    assert same(foretold, real)
    for arguments in ((), ("--check",)):
        assert not ask("mcp_snapshot", *arguments, **restore)["changed"]

    assert ask("mcp_snapshot", state="restored", id=real["before"]["id"])["changed"]
    assert (state(stack), (stack.src / "data/new").read_text()) == ("second\n", "new\n")

    remove = {"state": "absent", "id": taken["snapshot"]["id"]}
    assert same(ask("mcp_snapshot", "--check", **remove), ask("mcp_snapshot", **remove))
    assert not ask("mcp_snapshot", **remove)["changed"]


def test_kept_snapshots_outlive_the_maximum(stack: Stack, ask: Ask) -> None:
    kept = ask("mcp_snapshot", description="kept", keep=True)["snapshot"]["id"]
    mcp = Mcp(**stack.description["mcp"])
    for number in range(6):
        mcp.snapshot(f"number {number}", keep=False)
    listed = ask("mcp_snapshot_info")["snapshots"]
    assert [snapshot["id"] for snapshot in listed][-1] == kept
    assert len(listed) == 1 + 4


def test_levels_go_back_and_levels_beyond_are_refused(stack: Stack, ask: Ask) -> None:
    for text in ("first\n", "second\n"):
        stack.write("data/state", text)
        ask("mcp_snapshot")
    stack.write("data/state", "third\n")
    foretold = ask("mcp_peelback", "--check", levels=2)
    assert (state(stack), foretold["snapshot"]["level"]) == ("third\n", 2)
    real = ask("mcp_peelback", levels=2)
    assert (state(stack), real["peelback"]["levels"]) == ("first\n", 2)
    assert same(foretold, real)
    assert not ask("mcp_peelback", levels=2)["changed"]
    beyond = ask("mcp_peelback", levels=3)
    assert "3 levels back were asked for, and there are 2" in beyond["msg"]
    assert state(stack) == "first\n"
    assert ask("mcp_snapshot", state="restored", id=real["before"]["id"])["changed"]
    assert state(stack) == "third\n"


def test_a_snapshot_whose_files_were_changed_is_refused_and_the_data_left_alone(stack: Stack, ask: Ask) -> None:
    # So large that it is a file of its own among what is stored.
    stack.write("data/large", "x" * 100_000)
    taken = ask("mcp_snapshot", description="to be damaged")["snapshot"]["id"]
    for stored in (stack.src / "data/snapshots/objects").iterdir():
        stored.chmod(0o600)
        stored.write_text("something else")
    stack.write("data/state", "second\n")
    for arguments in ((), ("--check",)):
        found = ask("mcp_snapshot", *arguments, state="restored", id=taken)
        assert f"{taken} is damaged, its stored content differs: " in found["msg"]
        assert "Choose another snapshot" in found["hint"]
        assert state(stack) == "second\n"
    (stack.src / "data/large").unlink()


def test_an_unknown_snapshot_is_answered_with_those_there_are(stack: Stack, ask: Ask) -> None:
    taken = ask("mcp_snapshot", description="the only one")["snapshot"]["id"]
    found = ask("mcp_snapshot", state="restored", id="snapshot-1")
    assert "there is no snapshot snapshot-1" in found["msg"]
    assert taken in found["hint"]
    assert not ask("mcp_snapshot", state="absent", id="snapshot-1")["changed"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token": "hunter2-wrong"}, "the token is wrong or missing"),
        ({"url": "http://127.0.0.1:9"}, "ConnectionRefusedError"),
        ({"url": "http://u:hunter2@127.0.0.1:9"}, "mcp.url holds a user or password"),
    ],
)
def test_a_wrong_address_or_token_is_said_and_no_secret_shown(
    stack: Stack, ask: Ask, change: dict[str, str], said: str
) -> None:
    found = ask("mcp_snapshot", "-vvv", mcp={**stack.description["mcp"], "timeout": 2, **change})
    assert found["failed"]
    assert said in found["msg"]
