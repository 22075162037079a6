# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tier that the matrix does not allow was refused, and went through with a reason and an approval on record."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_only_the_run_that_was_let_through_is_recorded_with_what_was_decided(host: Any) -> None:
    (line,) = STACK.ledger()
    decision = line["decision"]
    assert (decision["row"], decision["allowed"], decision["approved_by"]) == ("high/data", False, "alice")
    assert decision["override_reason"] == "the data is mended by hand"


def test_reports_tell_the_decision_and_whom_to_call(host: Any) -> None:
    record, text = STACK.report()
    assert record["escalation"][0]["role"] == "On-call engineer"
    for told in ("| overridden because | the data is mended by hand |", "## Escalation", "| On-call engineer |"):
        assert told in text
    for suffix in ("html", "incident.md"):
        (found,) = (STACK.state / STACK.name / "reports").glob(f"*.{suffix}")
        assert "On-call engineer" in found.read_text(encoding="utf-8")
