# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 runs again, seen from outside."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_and_runs_the_image_by_id(host: Any) -> None:
    found = [host.docker(container["Id"]) for container in STACK.containers("api")]
    assert len(found) == 1
    assert found[0].is_running
    assert found[0].inspect()["State"]["Health"]["Status"] == "healthy"
    assert found[0].inspect()["Image"] == STACK.images.get(OLD)


def test_the_port_answers_with_the_version(host: Any) -> None:
    assert host.socket(f"tcp://127.0.0.1:{STACK.port}").is_listening
    assert STACK.ask("/api/status").status == 200
    assert STACK.ask("/api/status").version == OLD


def test_the_configuration_is_that_of_the_version(host: Any) -> None:
    assert host.file(str(STACK.src / ".env")).content_string == molecule.configuration(OLD)
    assert STACK.ask("/").document["greeting"] == molecule.configuration(OLD).split("=")[1].strip()


def test_the_report_and_the_restore_points_are_private(host: Any) -> None:
    state = host.file(str(STACK.state / STACK.name))
    assert (state.mode, state.user) == (0o700, host.user().name)
    reports = host.file(str(STACK.state / STACK.name / "reports")).listdir()
    assert len([name for name in reports if name.endswith(".md")]) == 1
    assert len(STACK.points(OLD)) == len(STACK.points("before-")) == 1
