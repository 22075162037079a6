# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks whose work programs of others do, AWX, a test run in Docker, a snapshot service, are killed in the middle.

Likewise where that service is cut off in the middle of its answers.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import arena as arenas
from ansible_collections.tiered.rollback.tests.support import engine, peelback
from ansible_collections.tiered.rollback.tests.support.awx.site import Site, awx_with_playbooks
from ansible_collections.tiered.rollback.tests.support.cable import Cable, cable
from ansible_collections.tiered.rollback.tests.support.ci_checkout import Checkout
from ansible_collections.tiered.rollback.tests.support.processes import KILLS, wait_for
from ansible_collections.tiered.rollback.tests.support.stack import Stack

OLD, NEW = "v0.9.0", "v1.0.0"
#: What awx.yml makes here: each job template costs awx.awx seconds of a core.
FEW = ["verify"]


@dataclass(frozen=True)
class Blow:
    """One injection; *share* is that of what the playbook does, or of what is answered."""

    victim: str
    share: float

    def __str__(self) -> str:
        return f"{self.victim}-{self.share:.2f}"


def blows(name: str, *victims: str) -> list[Any]:
    chance = arenas.chance(name)
    found = [Blow(victim, chance.random()) for victim in victims for _unused in range(3)]
    return [pytest.param(each, id=str(each)) for each in arenas.sample(name, found, 1, lambda _blow: [])]


def strike(process: subprocess.Popen[str], victim: str) -> None:
    KILLS[victim](process.pid)
    process.communicate(timeout=120)


# --- AWX ------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("awx", "kill")
@pytest.mark.parametrize("blow", blows("AWX", "play", "workers"))
def test_what_awx_lacks_is_made_by_the_same_command(tmp_path: Path, blow: Blow) -> None:
    with awx_with_playbooks() as awx:
        site = Site(awx, tmp_path)
        process = site.start(playbooks=FEW)
        # More than a dozen things are made; the first ones are what all the others need.
        made = int(blow.share * 12)
        assert wait_for(process, lambda: len(awx.store.changes) > made, 0.0, timeout=200), process.communicate()[0]
        strike(process, blow.victim)

        site.run(playbooks=FEW).ok()
        assert site.run(playbooks=FEW).ok().recap["changed"] == 0
        twice = [kind for kind in awx.store.objects if len(set(awx.names(kind))) < len(awx.names(kind))]
        assert not twice
        assert awx.names("job_templates") == FEW


# --- a test run in Docker -------------------------------------------------------------------------------------------


@pytest.mark.fault("ci-validate", "kill")
@pytest.mark.parametrize("blow", blows("test runs", "play", "workers"))
def test_what_a_killed_validation_left_is_removed_by_the_next(tmp_path: Path, blow: Blow) -> None:
    checkout = Checkout(tmp_path)
    # The tests wait, so that no machine is done before the moment has come.
    checkout.tests(wait=60)
    process = checkout.start()
    began = time.monotonic()
    assert wait_for(process, lambda: checkout.labelled() == 2, 0.0, timeout=200), process.communicate()[0]
    length = time.monotonic() - began
    strike(process, "play")
    process = checkout.start()
    wait_for(process, lambda: False, 0.0, timeout=1.2 * blow.share * length)
    strike(process, blow.victim)

    checkout.tests()
    checkout.validate().ok()
    assert checkout.left() == []


# --- the snapshot service -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _served(make_stack: Callable[..., Stack]) -> Iterator[tuple[Stack, Cable]]:
    """``api`` works on the data of which peelback keeps the snapshots, reached through a cable; v0.9.0 is captured."""
    made = make_stack()
    peelback.bring_up(made, OLD)
    with cable(made.variables["peelback_port"]) as wire:
        made.description["mcp"]["url"] = f"http://127.0.0.1:{wire.port}"
        made.capture(OLD)
        yield made, wire
    peelback.remove(made)


@pytest.fixture
def served(_served: tuple[Stack, Cable]) -> tuple[Stack, Cable]:
    """v1.0.0 runs and has written."""
    stack, _wire = _served
    stack.deploy(NEW)
    stack.write("data/state", f"of {NEW}\n")
    return _served


@pytest.mark.fault("peelback", "kill")
@pytest.mark.parametrize("blow", blows("peelback", "play", "workers"))
def test_the_snapshot_service_is_brought_up_by_the_same_command(served: tuple[Stack, Cable], blow: Blow) -> None:
    stack, _wire = served
    kept = {snapshot.id for snapshot in peelback.client(stack).snapshots()}
    began = time.monotonic()
    assert stack.run("peelback.yml").ok().recap["changed"] == 0
    length = time.monotonic() - began
    # Another limit, so that the container is replaced.
    limit = int(peelback.CONFIG.partition("maxSnapshots: ")[2].partition(",")[0])
    stack.write("mcp-config.yml", peelback.CONFIG.replace(f"maxSnapshots: {limit}", f"maxSnapshots: {limit + 1}"))
    process = stack.start("peelback.yml")
    wait_for(process, lambda: False, 0.0, timeout=1.5 * blow.share * length)
    strike(process, blow.victim)

    stack.run("peelback.yml").ok()
    assert stack.run("peelback.yml").ok().recap["changed"] == 0
    assert {snapshot.id for snapshot in peelback.client(stack).snapshots()} == kept
    stack.write("mcp-config.yml", peelback.CONFIG)
    stack.run("peelback.yml").ok()


@pytest.mark.fault("tier1-emergency", "api")
@pytest.mark.parametrize("blow", blows("snapshot API", "answers"))
def test_a_snapshot_api_that_is_cut_off_leaves_one_version_or_the_other(
    served: tuple[Stack, Cable], blow: Blow
) -> None:
    stack, wire = served
    carried = wire.carried
    stack.rollback(OLD, "--check").ok()
    # What a real run asks beyond that is about as much again.
    wire.cut_after(int(2 * blow.share * (wire.carried - carried)))
    outcome = stack.rollback(OLD)
    wire.mend()
    assert "MODULE FAILURE" not in outcome.output
    image, data = stack.image_ids()["api"], (stack.src / "data/state").read_text()
    assert (image, data) in [(stack.images.get(version), f"of {version}\n") for version in (OLD, NEW)], outcome.output
    assert outcome.rc == 0 or "snapshot" in outcome.said

    stack.rollback(OLD).ok()
    assert stack.image_ids()["api"] == stack.images.get(OLD)
    assert (stack.src / "data/state").read_text() == f"of {OLD}\n"
    assert stack.healthy()
    assert len(engine.docker("ps", "-q", "--filter", f"label=com.docker.compose.project={stack.project}").split()) == 1
