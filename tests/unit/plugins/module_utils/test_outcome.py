# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _outcome
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal


@pytest.fixture
def journal(build: Any) -> Journal:
    """A run that ended."""
    step = {"action": "stop_first", "subject": "web", "now": "2", "target": "1", "note": "image"}
    return Journal(
        path=Path("unused"),
        run=build.run(1, reason="slow | since noon"),
        kind="rollback",
        tier=1,
        target="v0.9.0-x",
        before="before-x",
        steps=[
            {"name": "preflight", "run": "another-run", "begun": "2026-11-20T09:00:00.000+00:00", "ended": "x"},
            {
                "name": "containers",
                "run": build.run(1).id,
                "begun": "2026-11-20T10:00:01.000+00:00",
                "ended": "2026-11-20T10:00:03.500+00:00",
            },
            {"name": "checks", "run": build.run(1).id, "begun": "2026-11-20T10:00:04.000+00:00"},
        ],
        facts={
            "budget": 300,
            "from_version": "v1.0.0",
            "to_version": "v0.9.0",
            "plan": {"steps": [step]},
            "outcome": "succeeded",
            "error": None,
            "checks_before": [{"ok": False, "name": "web-0", "found": "status 500"}],
            "checks_after": [{"ok": True, "name": "web-0", "found": "as wanted"}],
            "probe": {
                "http://x/": {"sent": 9, "failed": 1, "unreachable": 1, "longest_gap": 0.3, "longest_silence": 0.2}
            },
            "outage": 0.2,
        },
    )


ENDED = "2026-11-20T10:00:05.000+00:00"


def test_a_record_says_who_what_when_and_how_long(journal: Journal) -> None:
    full = _outcome.record(journal, "shop", ENDED)
    assert (full["user"], full["duration"], full["budget"]) == ("olga", 5.0, 300)
    # Steps of the killed run that this one took over, and one that has not ended, are not phases of this run.
    assert full["phases"] == [{"name": "containers", "after": 1.0, "seconds": 2.5}]
    assert json.loads(json.dumps(full)) == full


def test_a_phase_that_failed_says_so(journal: Journal) -> None:
    journal.steps[1]["failed"] = "RollbackError: unhealthy"
    assert _outcome.record(journal, "shop", ENDED)["phases"][0]["failed"] == "RollbackError: unhealthy"


def test_a_run_without_a_reason_says_that_too(journal: Journal, build: Any) -> None:
    journal.run = build.run(1)
    assert _outcome.record(journal, "shop", ENDED)["reason"] == "not stated"


def test_the_ledger_keeps_a_part_of_the_record(journal: Journal) -> None:
    full = _outcome.record(journal, "shop", ENDED)
    kept = _outcome.summary(full)
    assert kept.items() <= full.items()
    assert {"run", "kind", "outcome", "before", "target", "outage"} <= set(kept)


DECISION = {
    "severity": "P1",
    "issue": "high_error_rate",
    "row": "high/service",
    "decision": "roll back",
    "action": "roll back",
    "tiers": [2],
    "within": 1800,
    "approval": "team_lead",
    "sources": ["001", "004"],
    "note": "",
    "allowed": False,
    "approved_by": "alice",
    "approval_seconds": 12,
    "override_reason": "disk | full",
}


def test_a_decision_is_in_record_ledger_and_report(journal: Journal, build: Any) -> None:
    journal.run = build.run(1, decision=DECISION)
    full = _outcome.record(journal, "shop", ENDED)
    assert full["decision"] == _outcome.summary(full)["decision"] == DECISION
    told = _outcome.markdown(full).partition("## Decision")[2].partition("\n## ")[0]
    for line in (
        "| severity and issue | P1/high_error_rate |",
        "| row | high/service (document 001, 004) |",
        "| approved by | alice |",
        "| approved after | 12 s |",
        "| overridden because | disk \\| full |",
    ):
        assert line in told


def test_without_a_decision_report_and_ledger_are_as_before(journal: Journal) -> None:
    full = _outcome.record(journal, "shop", ENDED)
    assert "decision" not in _outcome.summary(full)
    assert "## Decision" not in _outcome.markdown(full)


PATH = [
    {"role": "On-call | engineer", "contact": "", "response": 0, "authority": "execute a rollback"},
    {"role": "Olga", "contact": "+49 30 1", "response": None, "authority": ""},
]


def test_whom_to_call_is_in_record_and_report(journal: Journal, build: Any) -> None:
    journal.run = build.run(1, escalation=PATH)
    full = _outcome.record(journal, "shop", ENDED)
    assert full["escalation"] == PATH
    told = _outcome.markdown(full).partition("## Escalation")[2]
    assert "| On-call \\| engineer | - | 0 min | execute a rollback |\n| Olga | +49 30 1 | - | - |" in told


def test_what_was_stated_without_a_label_is_told() -> None:
    told = "\n".join(_outcome.decision({"approved_by": "alice"}))
    assert "| severity and issue | not stated |\n| approved by | alice |" in told


@pytest.mark.parametrize(
    ("outcome", "title", "following"),
    [
        ("succeeded", "**Rollback succeeded.**", "undo.yml -e run="),
        ("reverted", "**Rollback failed; the state before was put back.**", "The stack runs what it ran before"),
        ("failed", "**Rollback failed, and the state before could not be put back.**", "Run the same command again"),
    ],
)
def test_the_report_says_what_became_of_the_run_and_what_to_do_next(
    journal: Journal, outcome: str, title: str, following: str
) -> None:
    journal.facts["outcome"] = outcome
    text = _outcome.markdown(_outcome.record(journal, "shop", ENDED))
    assert title in text
    assert following in text.partition("## Next steps")[2]
    for part in ("shop, v1.0.0 to v0.9.0", "5.0 s of 300 s (tier 1)", "stop_first | web", "status 500", "| 0.20 s |"):
        assert part in text


def test_text_from_outside_does_not_break_out_of_the_report(journal: Journal) -> None:
    journal.facts["error"] = "```\n# Everything is fine"
    text = _outcome.markdown(_outcome.record(journal, "shop", ENDED))
    assert "slow \\| since noon" in text
    assert not any(line.startswith("# Everything") for line in text.splitlines())


def test_an_error_is_in_the_report_whole(journal: Journal) -> None:
    journal.facts["error"] = "the stack is not well"
    assert "## Error\n\n```\nthe stack is not well\n```" in _outcome.markdown(_outcome.record(journal, "shop", ENDED))


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_every_tier_has_a_budget(tier: int) -> None:
    assert _outcome.BUDGETS[tier] >= 300


@pytest.fixture
def with_data(journal: Journal) -> Journal:
    """A run that took a database back."""
    journal.facts |= {
        "outcome": "succeeded",
        "databases": {"shop": {"identity": "7/1", "displaced": "shop_displaced_r1"}},
        "loss": {
            "shop": [
                {"table": "public.orders", "added": 3, "removed": 2, "changed": 1},
                {"table": "public.log", "added": 40, "removed": 0, "changed": None},
            ]
        },
        "logs": [{"name": "shop-api-1", "lines": 500, "errors": 2, "last": ["ERROR a | b"]}],
    }
    return journal


def test_the_report_says_by_table_what_the_restore_point_does_not_have_and_where_it_is_kept(with_data: Journal) -> None:
    text = _outcome.markdown(_outcome.record(with_data, "shop", ENDED))
    assert "43 added, 1 changed and 2 removed rows since the restore point, kept in the displaced databases" in text
    assert "| shop | shop_displaced_r1 |" in text
    assert "| shop | public.orders | 3 | 1 | 2 |" in text
    assert "| shop | public.log | 40 | unknown: no key | 0 |" in text
    assert "| shop-api-1 | 500 | 2 | ERROR a \\| b |" in text


@pytest.mark.parametrize(
    ("loss", "told"), [(None, "none: no data was touched"), ({"shop": []}, "none: no row differs")]
)
def test_the_report_says_so_where_nothing_is_lost(journal: Journal, loss: Any, told: str) -> None:
    journal.facts |= {"outcome": "succeeded", **({} if loss is None else {"loss": loss})}
    assert f"| data loss | {told} |" in _outcome.markdown(_outcome.record(journal, "shop", ENDED))


@pytest.mark.parametrize(("outcome", "kept"), [("succeeded", True), ("reverted", False), ("failed", False)])
def test_the_ledger_knows_which_database_a_run_made_live(with_data: Journal, outcome: str, kept: bool) -> None:
    with_data.facts["outcome"] = outcome
    summary = _outcome.summary(_outcome.record(with_data, "shop", ENDED))
    assert ("databases" in summary) is kept


def test_a_deployment_that_its_gates_refuse_is_recorded_and_told(build: Any) -> None:
    gate = {"name": "lint", "state": "failed", "found": "exit code 1 | x", "seconds": 1.0, "tail": "long"}
    said = {"gates": [gate], "skipped": ["e2e"], "override_reason": "staging is down"}
    ended = "2026-11-20T10:00:05.000+00:00"
    record = _outcome.refused(build.run(), "shop", ("v1", "v2"), said, "lint failed", ended)
    line = _outcome.summary(record)
    assert (line["tier"], line["touched"], line["gates"]) == (None, False, {"lint": "failed"})
    assert line["deployment"] == {"skipped": ["e2e"], "override_reason": "staging is down"}
    text = _outcome.markdown(record)
    assert text.startswith("# Deployment report: shop, v1 to v2")
    assert "**Deploy refused by its gates; nothing was touched.**" in text
    assert "| failed | lint | 1.0 | exit code 1 \\| x |" in text
    assert "Skipped because: staging is down" in text
    assert _outcome.next_steps(record) == ["Mend what the gates found, then run the same command again."]


def test_after_a_deployment_the_next_steps_are_its_own(journal: Journal) -> None:
    journal.kind = "deploy"
    journal.facts |= {"budget": None, "outcome": "succeeded"}
    record = _outcome.record(journal, "shop", "2026-11-20T10:00:05.000+00:00")
    assert record["tier"] is None
    assert "version=" in _outcome.next_steps(record)[1]
    assert " s of " not in _outcome.markdown(record)
