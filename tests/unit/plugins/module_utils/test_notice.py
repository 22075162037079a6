# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _incident, _notice

RUN = {"id": "20261120T100000Z-000001", "user": "olga", "host": "control", "started": "2026-11-20T10:00:00.000+00:00"}


def test_that_a_run_begins_is_told_with_who_and_why() -> None:
    found = _notice.begun({**RUN, "reason": "errors | everywhere"}, "shop", "Tier 1 rollback to v0.9.0")
    assert (found["event"], found["subject"]) == ("start", "shop: Tier 1 rollback to v0.9.0 begins")
    for told in ("Reason: errors \\| everywhere", RUN["id"], "olga", "control", "2026-11-20 10:00:00 UTC"):
        assert told in found["text"]


def test_a_decision_is_told_from_the_beginning() -> None:
    decision = {"severity": "P1", "issue": "other", "row": "high/service", "tiers": [2], "sources": ["004"]}
    assert "P1/other" in _notice.begun({**RUN, "decision": decision}, "shop", "x")["text"]


@pytest.mark.parametrize(("failed", "event"), [(False, "success"), (True, "failure")])
def test_a_run_with_a_record_is_told_by_the_documents_template(
    example: dict[str, Any], failed: bool, event: str
) -> None:
    found = _notice.ended(RUN, "shop", "x", {"record": example, "failed": failed})
    assert found == {"event": event, **_incident.notification(example)}


def test_a_run_that_was_refused_says_why() -> None:
    found = _notice.ended(RUN, "shop", "Undo", {"failed": True, "msg": "no such run\nHINT: ```look```"})
    assert (found["event"], found["subject"]) == ("failure", "shop: Undo was not begun")
    assert "no such run\nHINT: '''look'''" in found["text"]
    assert "the output of the run says why" in _notice.ended(RUN, "shop", "Undo", {"failed": True})["text"]


def test_a_run_with_nothing_to_do_is_a_success() -> None:
    found = _notice.ended(RUN, "shop", "Undo", {"record": {}})
    assert (found["event"], found["subject"]) == ("success", "shop: Undo had nothing to do")


def test_a_subject_is_one_line() -> None:
    assert _notice.begun(RUN, "shop", "a\n b")["subject"] == "shop: a b begins"
