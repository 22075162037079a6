# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _report_tables

RECORD: dict[str, Any] = {
    "deployment": {"gates": [{"state": "passed", "name": "lint", "seconds": 1.25, "found": "exit code 0"}]},
    "phases": [{"name": "switch", "after": 1.0, "seconds": 2.5}, {"name": "checks", "after": 3.5, "seconds": 1.0}],
    "plan": {"steps": [{"action": "replace", "subject": "web", "now": "a", "target": "b", "note": "image"}]},
    "databases": {"shop": {"displaced": "shop_displaced_1"}},
    "logs": [{"name": "shop-api-1", "lines": 500, "errors": 2, "last": ["ERROR a", "ERROR b"]}],
    "proof": [{"file": "ci.yml", "conclusion": "success", "seconds": 90, "url": "https://github.example/1"}],
}
TOLD = {
    _report_tables.gates: [("passed", "lint", "1.2", "exit code 0")],
    _report_tables.phases: [("switch", "1.0", "2.50", "ok"), ("checks", "3.5", "1.00", "ok")],
    _report_tables.actions: [("replace", "web", "a", "b", "image")],
    _report_tables.displaced: [("shop", "shop_displaced_1")],
    _report_tables.logs: [("shop-api-1", 500, 2, "ERROR a / ERROR b")],
    _report_tables.proof: [("ci.yml", "success", 90, None, "https://github.example/1")],
}


@pytest.mark.parametrize(("tell", "rows"), TOLD.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_record_is_told_in_rows_as_wide_as_their_head(tell: Any, rows: list[tuple[Any, ...]]) -> None:
    head, told = tell(RECORD)
    assert told == rows
    assert {len(row) for row in told} == {len(head)}


@pytest.mark.parametrize("tell", TOLD, ids=lambda each: each.__name__)
def test_what_a_run_did_not_do_has_no_rows(tell: Any) -> None:
    assert tell({})[1] == []


def test_a_table_without_a_key_does_not_tell_what_changed() -> None:
    lost = [
        {"table": "orders", "added": 3, "changed": 0, "removed": 1},
        {"table": "log", "added": 2, "changed": None, "removed": 0},
    ]
    head, rows = _report_tables.rows_lost({"shop": lost})
    assert [dict(zip(head, row, strict=True))["rows changed since"] for row in rows] == [0, "unknown: no key"]


def test_each_url_has_its_figures() -> None:
    probe = {"sent": 9, "failed": 2, "unreachable": 1, "longest_gap": 0.5, "longest_silence": 0.25}
    head, (row,) = _report_tables.probes({"http://a/": probe})
    assert dict(zip(head, row, strict=True)) == {
        "URL": "http://a/",
        "sent": 9,
        "not good": 2,
        "no answer": 1,
        "longest without a good one (s)": 0.5,
        "without any (s)": 0.25,
    }
