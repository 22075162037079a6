# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 4 of document 003: the data that made the container crash is gone, and the container runs again."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_data_is_that_of_the_snapshot(host: Any) -> None:
    assert not host.file(str(STACK.src / "data/trouble")).exists


def test_the_container_is_healthy_and_crashes_no_more(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)
    (container,) = STACK.containers("api")
    assert container["RestartCount"] == 0


def test_the_report_says_what_the_restore_did() -> None:
    report, markdown = STACK.report()
    assert report["mcp"]["changed"]
    assert "| MCP data | 1 files as in snapshot-" in markdown
