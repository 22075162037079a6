# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _ledger
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import history_info
from ansible_collections.tiered.rollback.tests.support.page import Page
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_history import PHASES, entry

DOCS = Path(__file__).resolve().parents[4] / "docs"
RUNS = ({"kind": "rollback"}, {"kind": "undo"}, {"kind": "rollback", "tier": 2, "started": "2026-11-22T10:00:00+00:00"})


@pytest.fixture
def recorded(deployment: Any) -> Any:
    """Three runs on record; only the first has a report."""
    reports = _files.private_directory(deployment.state / "reports")
    for number, changes in enumerate(RUNS, start=1):
        _ledger.append(deployment.state, entry(run=f"r{number}", **changes))
    (reports / "r1.json").write_text(json.dumps({"duration": 5.0, "phases": PHASES}))
    return deployment


def tell(deployment: Any, **params: Any) -> dict[str, Any]:
    defaults = {"tier": None, "kind": None, "since": None, "formats": []}
    return history_info.act(deployment.context(**{**defaults, **params}))


def test_runs_are_told_newest_first_with_the_figures_of_each_tier(recorded: Any) -> None:
    found = tell(recorded)
    assert [run["run"] for run in found["history"]] == ["r3", "r2", "r1"]
    assert [(tier["group"], tier["runs"]) for tier in found["tiers"]] == [("tier 1", 1), ("tier 2", 1)]
    assert found["history"][2]["stages"]["verify"] == 1.5
    assert found["chain"] == {"lines": 3, "hash": _ledger.entries(recorded.state)[-1]["hash"]}
    assert (found["changed"], found["documents"]) == (False, {})


def test_telling_changes_nothing(recorded: Any) -> None:
    before = recorded.trees()
    tell(recorded, formats=["csv", "html"])
    assert (recorded.trees(), recorded.world.calls) == (before, [])


@pytest.mark.parametrize(
    ("asked", "runs"),
    [({"tier": 2}, ["r3"]), ({"kind": "undo"}, ["r2"]), ({"since": "2026-11-21"}, ["r3"]), ({"kind": "ci"}, [])],
)
def test_only_what_is_asked_for_is_told_and_the_whole_chain_is_checked(
    recorded: Any, asked: dict[str, Any], runs: list[str]
) -> None:
    found = tell(recorded, **asked)
    assert [run["run"] for run in found["history"]] == runs
    assert found["chain"]["lines"] == 3


def test_documents_are_made_where_they_are_asked_for(recorded: Any) -> None:
    found = tell(recorded, formats=["csv", "html"])["documents"]
    assert len(found["csv"].splitlines()) == 4
    assert "Rollbacks of shop" in Page(found["html"]).text


def test_no_run_yet_is_an_empty_history(deployment: Any) -> None:
    found = tell(deployment, formats=["csv", "html"])
    assert (found["history"], found["tiers"], found["chain"]["lines"]) == ([], [], 0)


@pytest.mark.parametrize("damaged", ["{", "[]"])
def test_a_report_that_is_damaged_leaves_its_stages_unknown(recorded: Any, damaged: str) -> None:
    (recorded.state / "reports/r1.json").write_text(damaged)
    assert tell(recorded)["history"][2]["stages"]["verify"] is None


@pytest.mark.parametrize("since", ["2026-13-01", "yesterday"])
def test_what_is_no_date_is_refused(recorded: Any, since: str) -> None:
    with pytest.raises(RollbackError, match="is no date"):
        tell(recorded, since=since)


def test_the_first_line_that_was_changed_is_named(recorded: Any) -> None:
    path = recorded.state / _ledger.NAME
    path.write_bytes(path.read_bytes().replace(b'"undo"', b'"done"'))
    with pytest.raises(RollbackError, match=r"line 2 of .*ledger\.jsonl was changed"):
        tell(recorded)


def _offline(ledger: Path) -> subprocess.CompletedProcess[str]:
    """Run what docs/reports.md shows, without this collection."""
    (shown,) = re.findall(r"```python\n(.*?)```", (DOCS / "reports.md").read_text(encoding="utf-8"), re.DOTALL)
    command = [sys.executable, "-I", "-c", shown, str(ledger)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_documents_few_lines_prove_the_chain_offline(recorded: Any) -> None:
    path = recorded.state / _ledger.NAME
    good = _offline(path)
    assert (good.returncode, good.stdout.split()[0]) == (0, "3"), good.stderr
    assert tell(recorded)["chain"]["hash"] in good.stdout
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(3):
        changed = [*lines]
        changed[number] = changed[number].replace(b"olga", b"else")
        path.write_bytes(b"".join(changed))
        bad = _offline(path)
        assert (bad.returncode, f"line {number + 1} " in bad.stderr) == (1, True)
    path.write_bytes(lines[0] + b"no JSON\n" + lines[2])
    assert "line 2 " in _offline(path).stderr
    # What a kill tore is no line yet, as to the collection itself.
    path.write_bytes(b"".join(lines)[:-9])
    assert _offline(path).stdout.split()[0] == "2"
