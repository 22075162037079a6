# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migration of v1.0.0 stopped half-way; v0.9.0 runs again on the schema and data it knows."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW, OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_every_row_is_as_it_was_and_no_acknowledged_row_is_lost() -> None:
    molecule.assert_data(STACK, OLD)


def test_the_report_says_that_v1_did_not_work_and_what_the_restore_point_lacks(host: Any) -> None:
    report, text = STACK.report()
    assert next(check["ok"] for check in report["checks_before"] if check["name"] == "api-0") is False
    assert (report["outcome"], report["from_version"], report["to_version"]) == ("succeeded", NEW, OLD)
    assert "## Data that the restore point does not have" in text
