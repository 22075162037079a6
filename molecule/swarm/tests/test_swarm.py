# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swarm runs v0.9.0 again, each service by digest, and who needs another went back first."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import client, molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD, SWARM_PORT
from ansible_collections.tiered.rollback.tests.support.swarm import SwarmStack

STACK = molecule.stack()
assert isinstance(STACK, SwarmStack)
SWARM = STACK.swarm


def test_every_service_runs_the_version_by_digest_and_users_get_it(host: Any) -> None:
    assert SWARM.well()
    assert SWARM.versions() == {"api": OLD, "worker": OLD}
    (point,) = STACK.points(OLD)
    kept = {part["image_id"] for part in STACK.manifest(point)["services"].values()}
    assert {image.partition("@")[2] for image in SWARM.images().values()} == kept
    assert host.addr(SWARM.manager.address).port(SWARM_PORT).is_reachable
    answer = client.ask(SWARM_PORT, "/api/status", host=SWARM.manager.address)
    assert (answer.status, answer.version) == (200, OLD)


def test_it_went_service_by_service_and_is_on_record() -> None:
    (line,) = STACK.ledger()
    assert (line["outcome"], line["from_version"], line["to_version"]) == ("succeeded", molecule.NEW, OLD)
    report, _text = STACK.report()
    assert [step["subject"] for step in report["plan"]["steps"]] == ["worker", "api"]
