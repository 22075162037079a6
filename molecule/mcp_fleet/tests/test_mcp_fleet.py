# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every MCP container runs v0.9.0 again, healthy; the service beside them was left alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import FLEET, NEW, OLD

STACK = molecule.stack()


def test_every_container_of_the_fleet_is_healthy_and_runs_the_image_by_id(host: Any) -> None:
    for name in FLEET:
        (entry,) = STACK.containers(name)
        container = host.docker(entry["Id"]).inspect()
        assert container["State"]["Health"]["Status"] == "healthy"
        assert container["Image"] == STACK.images.get(OLD)


def test_the_other_service_was_left_alone(host: Any) -> None:
    molecule.assert_serves(host, STACK, NEW)
    assert STACK.states("api") == {name: tuple(state) for name, state in molecule.noted(STACK)["api"].items()}


def test_the_report_names_each_container() -> None:
    checks = {check["name"] for check in STACK.report()[0]["checks_after"] if check["ok"]}
    assert {f"container {name}" for name in FLEET} <= checks
