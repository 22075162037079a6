# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_report

FACTS: dict[str, Any] = {
    "repository": "acme/shop",
    "branch": "main",
    "method": "swap",
    "before": "a" * 40,
    "after": "b" * 40,
    "pull_request": None,
    "error": None,
    "undo": "ansible-playbook ci-rollback.yml -e method=swap -e to=aaaa",
    "actions": ["take .github/workflows/ci.yml from *.backup (replaced)"],
    "metrics": {
        "ci.yml": {
            "pass_rate": 50.0,
            "seconds": 10.0,
            "median_seconds": None,
            "coverage": None,
            "test_failure_rate": None,
        }
    },
    "triggers": [{"workflow": "ci.yml", "meaning": "CI is broken"}],
    "pull_requests": [{"number": 7, "blocked": True}, {"number": 8, "blocked": False}],
    "cancelled": [{"url": "https://github.com/run/1"}],
    "left_alone": [],
    "proof": [{"file": "ci.yml", "conclusion": "success", "seconds": 9.0, "coverage": 85.0, "url": "https://x/2"}],
}
ENDED = "2026-11-20T10:01:30.000+00:00"


def full(build: Any, outcome: str = "succeeded", **changes: Any) -> dict[str, Any]:
    run = build.run(0, started="2026-11-20T10:00:00.000+00:00", reason="CI is red")
    return _ci_report.record(run, "shop", outcome, {**FACTS, **changes}, ENDED)


def test_the_ledgers_line_is_that_of_a_run_that_touched_no_container(build: Any) -> None:
    line = _ci_report.summary(full(build))
    assert (line["kind"], line["tier"], line["target"], line["duration"]) == ("ci", 3, "swap", 90.0)
    assert (line["from_version"], line["to_version"]) == ("a" * 12, "b" * 12)
    # An undo looks for a restore point of this name, and there is none.
    assert line["before"] is None


def test_the_report_says_what_the_documents_notification_asks_for(build: Any) -> None:
    text = _ci_report.markdown(full(build))
    for said in ("CI is red", "ci.yml: CI is broken", "#7", "https://github.com/run/1", "https://x/2", FACTS["undo"]):
        assert said in text
    assert "#8" not in text
    assert "| ci.yml | 50.0 | 10.0 | - | - | - |" in text


def test_a_decision_is_in_record_ledger_and_report(build: Any) -> None:
    decision = {"severity": "high", "issue": "ci_slow", "row": "high/ci", "tiers": ["ci"], "sources": ["001"]}
    run = build.run(0, started="2026-11-20T10:00:00.000+00:00", decision={**decision, "approved_by": "alice"})
    found = _ci_report.record(run, "shop", "succeeded", FACTS, ENDED)
    assert found["decision"] == _ci_report.summary(found)["decision"] == {**decision, "approved_by": "alice"}
    assert "| approved by | alice |" in _ci_report.markdown(found)
    assert "decision" not in _ci_report.summary(full(build))


def test_a_failure_says_what_failed_and_what_to_do(build: Any) -> None:
    text = _ci_report.markdown(full(build, "failed", error="it broke ``` | x", proof=[], actions=[], triggers=[]))
    assert "**CI rollback failed.**" in text
    assert "it broke ''' \\| x" in text
    assert "run the same command again" in text


@pytest.mark.parametrize("waits", [None, "https://github.com/acme/shop/pull/9"])
def test_a_change_that_waits_is_told(build: Any, waits: str | None) -> None:
    assert ("the change waits in" in _ci_report.markdown(full(build, pull_request=waits))) is (waits is not None)
