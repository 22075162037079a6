# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages, opened in a browser: their pictures are drawn, and the browser has nothing to complain of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _fleet,
    _fleet_report,
    _history,
    _history_html,
    _ledger,
    _outcome,
    _report_html,
)
from ansible_collections.tiered.rollback.tests.support.browser import Chromium
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

#: As ``_markup`` has them for a light background.
GOOD, WARN, BAD, BAR = "#1a7f4b", "#b45309", "#c0262d", "#2f6fb2"
HOSTILE = "</style></title><script>console.error(1)</script><img src=x onerror=console.error(2)>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Chromium:
    """A browser."""
    return Chromium(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    """The record that docs/reports.md shows, with a reason that would like to run something."""
    found = json.loads((ROOT / "docs/reports/example.json").read_text(encoding="utf-8"))
    return {**found, "reason": HOSTILE}


def test_the_report_shows_its_phases_the_outage_and_who_answered(browser: Chromium, record: dict[str, Any]) -> None:
    shown = browser.show(_report_html.render(record, _outcome.next_steps(record)))
    assert shown.console == []
    for colour in (BAR, GOOD, BAD):
        assert shown.colours[colour] > 50, (colour, shown.colours.most_common(12))


def test_without_phases_and_answers_there_is_no_picture_and_no_complaint(
    browser: Chromium, record: dict[str, Any]
) -> None:
    """What the other tests look for is of the pictures, and of nothing else on the page."""
    bare = {**record, "phases": [], "answers": {}, "outcome": "reverted", "error": HOSTILE}
    shown = browser.show(_report_html.render(bare, _outcome.next_steps(bare)))
    assert shown.console == []
    assert shown.colours[BAR] == 0


def test_the_history_shows_a_mark_for_each_run(browser: Chromium, record: dict[str, Any]) -> None:
    outcomes = ("succeeded", "reverted", "failed", "succeeded")
    entries = [
        {**_outcome.summary(record), "run": f"r{number}", "outcome": outcome, "duration": 4.0 * (number + 1)}
        for number, outcome in enumerate(outcomes)
    ]
    rows = [_history.row(entry, record) for entry in entries]
    chain = {"lines": len(rows), "hash": _ledger.GENESIS}
    shown = browser.show(_history_html.render("shop", rows, _history.by_tier(rows), chain))
    assert shown.console == []
    assert shown.colours[GOOD] > 20
    assert shown.colours[WARN] > 5


def test_the_fleets_report_shows_a_bar_for_each_turn(browser: Chromium, record: dict[str, Any]) -> None:
    found = {**record, "needed": True, "record": record}
    bad = {**found, "failed": True, "msg": HOSTILE, "record": {**record, "outcome": "reverted"}}
    planned = _fleet.plan(["web1", "web2", "web3"], "1", "1")
    results = [_fleet.result(found, "web1", "r1"), _fleet.result(bad, "web2", "r2")]
    run = {"id": "r0", "started": record["started"], "reason": HOSTILE}
    full = _fleet_report.record(run, {"tier": "2", "version": "v1"}, planned, results, [], record["ended"])
    shown = browser.show(_fleet_report.html(full))
    assert shown.console == []
    for colour in (GOOD, BAD):
        assert shown.colours[colour] > 50, (colour, shown.colours.most_common(12))


def test_a_page_that_runs_something_would_be_found(browser: Chromium) -> None:
    shown = browser.show("<!DOCTYPE html><title>t</title><script>console.error('found')</script>")
    assert "found" in "".join(shown.console)


def test_nothing_is_left_of_a_browser(browser: Chromium) -> None:
    mine = str(browser._directory).encode()
    running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mine in _read(path)]
    assert running == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
