# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _names
from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import (
    APPROVALS,
    ESCALATION,
    ISSUES,
    MATRIX,
    SEVERITIES,
    TIERS,
    UNNAMED,
)

ROOT = Path(__file__).resolve().parents[4]
DOCUMENTED = (ROOT / "docs/decide.md").read_text()


def test_the_matrix_is_whole_and_does_not_contradict_itself() -> None:
    assert len(_decision.parse(MATRIX)) == len(MATRIX)


def test_every_issue_has_a_severity_a_group_and_a_meaning_and_can_be_given_at_launch() -> None:
    for name, issue in ISSUES.items():
        assert issue["severity"] in SEVERITIES
        assert set(issue) == {"severity", "group", "meaning"}
        assert _names.launch_values({"issue": name}, ["issue"]) == {"issue": name}
    assert {name: ISSUES[issue]["group"] for name, issue in UNNAMED.items()} == {"service": "service", "ci": "ci"}


def test_every_severity_but_none_can_be_given_at_launch() -> None:
    words = {word for name, others in SEVERITIES.items() for word in (name, *others)} - {"none"}
    pattern = _names.LAUNCH_VARIABLES["severity"]
    assert {word for word in {*words, "none", "P3", "p0"} if pattern.fullmatch(word)} == words


def test_the_playbooks_of_the_tiers_exist_and_ask_the_matrix_for_their_own_tier() -> None:
    for tier, (playbook, _variables) in TIERS.items():
        text = (ROOT / "playbooks" / playbook.replace("-", "_")).read_text()
        assert re.findall(r"^ +tier: \"?(\w+)\"?$", text, re.MULTILINE) == [str(tier)]


def test_only_levels_that_mean_somebody_are_asked() -> None:
    assert {name for name, level in APPROVALS.items() if level["asked"]} == {
        "team_lead",
        "team_consensus",
        "discretion",
    }


@pytest.mark.parametrize("severity", [name for name in SEVERITIES if name != "none"])
@pytest.mark.parametrize("group", ["service", "data", "ci"])
def test_there_is_always_somebody_to_call(severity: str, group: str) -> None:
    assert [each for each in ESCALATION if group in each["about"] and severity in each["severities"]]


@pytest.mark.parametrize("row", _decision.matrix().values(), ids=lambda row: row.row)
def test_the_documentation_has_every_row_as_it_is(row: _decision.Decision) -> None:
    if row.severity == "none":
        return
    names = "/".join((*SEVERITIES[row.severity], row.severity))
    tiers = ", ".join(map(str, row.tiers)) or "none"
    within = (
        "-" if row.within is None else f"{row.within // 60} min" if row.within <= 3600 else f"{row.within // 3600} h"
    )
    cells = (names, row.issue, row.action, tiers, within, row.approval, ", ".join(row.sources), row.note)
    assert f"| {' | '.join(cells)} |" in DOCUMENTED


def test_the_documentation_has_every_issue() -> None:
    for name, issue in ISSUES.items():
        assert f"| `{name}` | {issue['group']} | {issue['severity']} | {issue['meaning']} |" in DOCUMENTED
