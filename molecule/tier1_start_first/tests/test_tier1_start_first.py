# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 runs again behind the proxy, which was not restarted."""

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


def test_the_new_replica_was_started_first_and_the_proxy_was_left_alone(host: Any) -> None:
    report, _text = STACK.report()
    assert ("start_first", "api") in [(step["action"], step["subject"]) for step in report["plan"]["steps"]]
    (proxy,) = STACK.containers("proxy")
    assert host.docker(proxy["Id"]).is_running
    assert proxy["Created"] < report["started"]
    assert all(probe["failed"] == 0 for probe in report["probe"].values())
