# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ledger
from ansible_collections.tiered.rollback.plugins.modules import ci_record
from ansible_collections.tiered.rollback.tests.support.page import Page

EMPTY = {name: [] for name in ("actions", "triggers", "pull_requests", "cancelled", "left_alone", "proof")}
FACTS = {
    **EMPTY,
    "repository": "acme/shop",
    "branch": "main",
    "before": "a" * 40,
    "after": "b" * 40,
    "pull_request": None,
    "error": None,
    "undo": "ansible-playbook ci-rollback.yml -e method=swap",
    "metrics": {},
}


def record(ci: Any, **params: Any) -> dict[str, Any]:
    return ci.call(ci_record, **{"outcome": "succeeded", "method": "swap", "facts": FACTS, "lock_wait": 0, **params})


def test_a_run_is_recorded_once(ci: Any) -> None:
    foretold = record(ci, check_mode=True)
    assert not ci.state_dir.exists()
    done = record(ci)
    assert (foretold["report"], foretold["actions"]) == (done["report"], done["actions"])
    (entry,) = _ledger.entries(ci.state_dir / "shop")
    assert (entry["kind"], entry["target"], entry["from_version"], entry["before"]) == ("ci", "swap", "a" * 12, None)
    assert json.loads(Path(done["report"]).with_suffix(".json").read_text()) == done["record"]
    assert "CI rollback succeeded" in Path(done["report"]).read_text()
    assert FACTS["undo"] in Page(Path(done["report"]).with_suffix(".html").read_text()).text
    assert "- [x] Tier 3" in Path(done["report"]).with_suffix(".incident.md").read_text()
    assert record(ci)["changed"] is False
    assert len(_ledger.entries(ci.state_dir / "shop")) == 1


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_the_report_is_for_the_outcome(ci: Any, outcome: str) -> None:
    text = Path(record(ci, outcome=outcome)["report"]).read_text()
    assert f"CI rollback {outcome}" in text
    assert FACTS["undo"] in text
