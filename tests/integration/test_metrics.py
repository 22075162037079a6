# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' own checker reads what is written for it, and what the dashboard asks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _metrics
from ansible_collections.tiered.rollback.tests.support import monitoring
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

ENTRY = {"kind": "rollback", "tier": 1, "outcome": "succeeded", "duration": 4.0, "outage": 1.25}


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker."""
    return monitoring.promtool(tmp_path_factory.mktemp("promtool"))


def test_what_is_written_is_in_the_format_and_has_nothing_to_remark(promtool: Path) -> None:
    entries = [{**ENTRY, "ended": "2026-11-20T10:00:05.500+00:00"}, {**ENTRY, "ended": "2026-11-21T10:00:00+00:00"}]
    text = _metrics.render('a "stack"\\ \n with all', entries, [])
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_query_of_the_dashboard_is_one(promtool: Path, tmp_path: Path) -> None:
    dashboard = json.loads((ROOT / "examples/grafana/tiered-rollback.json").read_text())
    queries = [target["expr"].replace("$stack", ".*") for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"q:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(queries)} rules found" in done.stdout
