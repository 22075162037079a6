# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1.0.0 was broken, so v0.9.0 runs as before, and v1.0.0 is quarantined (SCN-1)."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _quarantine
from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW, OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_configuration_is_that_of_the_version(host: Any) -> None:
    molecule.assert_configured(host, STACK, OLD)


def test_the_report_says_that_it_came_back_and_the_ledger_keeps_it_out() -> None:
    report, text = STACK.report()
    assert (report["kind"], report["outcome"], report["to_version"]) == ("deploy", "reverted", NEW)
    assert "the state before was put back" in text
    assert list(_quarantine.held(STACK.ledger())) == [NEW]
