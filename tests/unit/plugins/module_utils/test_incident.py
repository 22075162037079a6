# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _incident, _outcome
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_markup import HOSTILE
from hypothesis import HealthCheck, given, settings


def incident(record: dict[str, Any]) -> str:
    return _incident.markdown(record, _outcome.next_steps(record) if record else [])


def test_the_incident_report_has_every_part_of_the_documents_template(example: dict[str, Any]) -> None:
    text = incident(example)
    assert text.startswith("# Incident Report: 2026-11-20 - orders fail since 14:05: column total is missing\n")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Timeline",
        "## Root Cause",
        "## Impact",
        "## Rollback Method Used",
        "## Lessons Learned",
        "## Action Items",
    ]
    for told in (
        *("- [x] Tier 2 (Standard)", "- [ ] Tier 1", "19.9 s, within the 30 min", "1402 added", "1.52 s"),
        *("approved by li (team lead)", "Technical cause: **TO BE FILLED IN", "images, configuration, databases"),
        *("Add monitoring for the detected symptom", "undo.yml -e run=20261120T141203Z-5f2a9c"),
    ):
        assert told in text


def test_the_timeline_is_in_the_order_of_time_and_says_when_service_was_back(example: dict[str, Any]) -> None:
    told = _incident.timeline(example)
    times = [at for at, _what in told if at[0] != "-"]
    assert times == sorted(times)
    assert ("14:12:20", "Service restored: every URL gives good answers") in told
    assert told[-1] == ("14:12:22", "Rollback succeeded")


def test_a_timeline_over_midnight_stays_in_order(example: dict[str, Any]) -> None:
    example |= {"started": "2026-11-20T23:59:50.000+00:00", "ended": "2026-11-21T00:00:09.900+00:00"}
    example["answers"]["began"] = "2026-11-20T23:59:56.100+00:00"
    told = _incident.timeline(example)
    assert told[-1] == ("00:00:09", "Rollback succeeded")


def test_a_service_that_was_not_seen_restored_is_a_blank(example: dict[str, Any]) -> None:
    example["answers"]["urls"]["http://127.0.0.1:8080/"] = [[0, 13.75, "silent"]]
    assert "Service restored: not seen by this run; **TO BE FILLED IN" in incident(example)


def test_a_failed_run_says_what_failed(example: dict[str, Any]) -> None:
    example["phases"][-1]["failed"] = "RollbackError: unhealthy"
    text = incident({**example, "outcome": "failed", "error": "api is unhealthy"})
    assert "The run failed: api is unhealthy" in text
    assert "FAILED: RollbackError: unhealthy" in text
    assert "Escalate now." in text


def test_a_run_over_its_budget_is_what_could_be_improved(example: dict[str, Any]) -> None:
    assert "The run was OVER the 30 min" in incident({**example, "duration": 2000.0})


def test_an_empty_record_is_all_blanks() -> None:
    text = incident({})
    assert "[x]" not in text
    assert text.count("TO BE FILLED IN") >= 8


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=HOSTILE)
def test_no_text_makes_a_heading_or_an_item_of_its_own(example: dict[str, Any], text: str) -> None:
    shape = [line[:3] for line in incident({**example, "outcome": "failed", "error": "x"}).split("\n")]
    changed = {**example, "reason": text or "x", "error": text or "x", "user": text, "outcome": "failed"}
    assert [line[:3] for line in incident(changed).split("\n")] == shape


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"kind": "rollback", "tier": 1}, "images, configuration"),
        ({"kind": "undo", "tier": 2}, "images, configuration, databases"),
        ({"kind": "rollback", "tier": 3, "scope": ["api", "web"]}, "only api, web"),
        ({"kind": "rollback", "tier": 3, "scope": []}, "only data"),
        ({"kind": "migration", "tier": 2}, "schema migration"),
        ({"kind": "ci", "tier": 3, "target": "swap"}, "CI: swap"),
        ({"kind": "ci", "tier": 3, "method": "revert"}, "CI: revert"),
    ],
)
def test_a_method_is_told_in_words(entry: dict[str, Any], told: str) -> None:
    assert _incident.method(entry) == told


def test_the_rollback_notification_has_every_part_of_the_documents_template(example: dict[str, Any]) -> None:
    found = _incident.notification(example)
    assert found["subject"] == "shop: Rollback Notification (succeeded)"
    for told in (
        *("## Summary", "## Impact", "## Timeline", "## Next Steps", "column total is missing", "1.52 s"),
        *("Rollback initiated: 2026-11-20 14:12:03 UTC", "Rollback completed: 2026-11-20 14:12:22 UTC"),
    ):
        assert told in found["text"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "undo"},
        {
            "kind": "ci",
            "method": "forward",
            "repository": "acme/shop",
            "actions": ["cherry-pick abc"],
            "proof": [{"file": "ci.yml", "conclusion": "success", "url": "https://x/2"}],
        },
    ],
)
def test_a_way_forward_that_worked_is_notified_as_a_recovery(example: dict[str, Any], changes: dict[str, Any]) -> None:
    found = _incident.notification({**example, **changes})
    assert "Recovery Notification" in found["subject"]
    for told in ("## Changes", "## Validation", "## Support", *changes.get("actions", ()), "Contact olga"):
        assert told in found["text"]


def test_an_undo_that_failed_is_no_recovery(example: dict[str, Any]) -> None:
    found = _incident.notification({**example, "kind": "undo", "outcome": "failed", "error": "no room"})
    assert "Rollback Notification (failed)" in found["subject"]
    assert "What went wrong: no room" in found["text"]


def test_what_was_stated_of_the_time_before_the_run_is_in_the_timeline(example: dict[str, Any]) -> None:
    began, detected = "2026-11-20T14:00:00.000+00:00", "2026-11-20T14:10:00.000+00:00"
    times = {"began": began, "detected": detected, "verified": "2026-11-20T14:12:20.000+00:00"}
    full = {**example, "times": times}
    told = _incident.markdown(full, [])
    assert "[14:00:00] Issue began" in told
    assert "[14:10:00] Issue detected" in told
    assert "Duration of the incident: 12 min 20 s until" in told
    assert "Issue detected: 2026-11-20 14:10:00 UTC" in _incident.notification(full)["text"]


def test_whom_to_call_is_in_the_report_and_in_the_notification_of_what_failed(example: dict[str, Any]) -> None:
    full = {**example, "escalation": [{"role": "Olga", "response": 900}]}
    assert "| Olga | - | 15 min | - |" in _incident.markdown(full, [])
    assert "Olga" not in _incident.notification(full)["text"]
    assert "Olga" in _incident.notification({**full, "outcome": "reverted"})["text"]


@given(text=HOSTILE)
def test_a_subject_is_one_line(text: str) -> None:
    assert len(_incident.notification({"repository": text, "kind": "ci"})["subject"].splitlines()) == 1


def test_nothing_known_is_a_notification_all_the_same() -> None:
    assert "unknown" in _incident.notification({})["text"]
