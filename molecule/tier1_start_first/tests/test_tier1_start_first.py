# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 runs again behind the proxy, which was not restarted."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_new_replica_was_started_first_and_the_proxy_was_left_alone(host: Any) -> None:
    report, _text = STACK.report()
    assert ("start_first", "api") in [(step["action"], step["subject"]) for step in report["plan"]["steps"]]
    (proxy,) = STACK.containers("proxy")
    assert host.docker(proxy["Id"]).is_running
    assert proxy["Created"] < report["started"]
    assert all(probe["failed"] == 0 for probe in report["probe"].values())
