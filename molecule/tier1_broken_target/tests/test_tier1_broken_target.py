# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target did not get healthy, so v1.0.0 runs as before, with its configuration."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, NEW)


def test_the_configuration_is_that_of_the_version(host: Any) -> None:
    molecule.assert_configured(host, STACK, NEW)


def test_the_report_says_both(host: Any) -> None:
    report, text = STACK.report()
    assert (report["outcome"], report["to_version"]) == ("reverted", "v0.9.0")
    assert "does not get healthy" in text
    assert "the state before was put back" in text
