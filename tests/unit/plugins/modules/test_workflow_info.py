# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import workflow_info

TEXT = """
name: CI
on:
  push:
  workflow_dispatch:
    inputs: {stage: {type: choice, options: [one, two], default: one}}
jobs: {test: {runs-on: x, steps: [{uses: actions/checkout@v4}]}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(TEXT)
    (folder / "broken.yml").write_text("a: [")
    return tmp_path


def _act(path: Path, **params: Any) -> dict[str, Any]:
    defaults = {"files": [], "checks": ["pins"], "fail_on_findings": False}
    module = SimpleNamespace(params={"project_src": str(path), **defaults, **params}, check_mode=False)
    return workflow_info.act(module)


def test_every_file_is_described(checkout: Path) -> None:
    broken, workflow = _act(checkout)["workflows"]
    assert {name: workflow[name] for name in ("name", "triggers", "jobs")} == {
        "name": "CI",
        "triggers": ["push", "workflow_dispatch"],
        "jobs": ["test"],
    }
    assert workflow["inputs"] == [
        {"name": "stage", "type": "choice", "required": False, "default": "one", "options": ("one", "two")}
    ]
    assert workflow["uses"] == [
        {"where": "jobs.test.steps[0]", "action": "actions/checkout", "ref": "v4", "pinned": False}
    ]
    assert [finding["rule"] for finding in workflow["findings"]] == ["unpinned"]
    assert broken["file"] == ".github/workflows/broken.yml"
    assert [finding["rule"] for finding in broken["findings"]] == ["no-workflow"]
    assert broken["inputs"] is None


def test_findings_fail_only_where_that_is_asked_for(checkout: Path) -> None:
    files = [".github/workflows/ci.yml"]
    assert _act(checkout, files=files, checks=["schema"], fail_on_findings=True)["workflows"][0]["findings"] == []
    with pytest.raises(RollbackError, match=r"1 findings: \.github/workflows/ci\.yml, jobs\.test\.steps") as caught:
        _act(checkout, files=files, fail_on_findings=True)
    assert caught.value.facts["workflows"] == _act(checkout, files=files)["workflows"]
