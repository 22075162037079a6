# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import ci_backup
from ansible_collections.tiered.rollback.tests.support.github import BROKEN, WORKFLOWS

METRICS = {"ci.yml": {"pass_rate": 50.0}}


def test_files_and_figures_are_kept_privately(ci: Any) -> None:
    foretold = ci.call(ci_backup, metrics=METRICS, check_mode=True)
    assert not ci.state_dir.exists()
    done = ci.call(ci_backup, metrics=METRICS)
    assert foretold == done
    assert done["commit"] == ci.project.commits[BROKEN]
    directory = Path(done["directory"])
    manifest = json.loads((directory / "manifest.json").read_text())
    assert (manifest["metrics"], sorted(manifest["files"])) == (METRICS, done["files"])
    kept = directory / "files" / WORKFLOWS / "ci.yml.backup"
    assert kept.read_text() == ci.project.show(f"{WORKFLOWS}/ci.yml.backup")
    assert all(path.stat().st_mode & 0o077 == 0 for path in [directory, *directory.rglob("*")])
    assert "hunter2" not in (directory / "manifest.json").read_text()


def test_what_a_run_kept_first_stays(ci: Any) -> None:
    first = ci.call(ci_backup, metrics=METRICS)
    ci.project.push({f"{WORKFLOWS}/ci.yml": "changed\n"}, "changed")
    again = ci.call(ci_backup, metrics={})
    assert (again["changed"], again["commit"], again["files"]) == (False, first["commit"], first["files"])
    kept = Path(first["directory"]) / "files" / WORKFLOWS / "ci.yml"
    assert kept.read_text() != "changed\n"


def test_a_token_that_may_not_write_is_found_before_anything_is_kept(ci: Any) -> None:
    ci.github.forbid(r"POST /repos/.*/git/blobs", permissions="contents=write")
    ci.call(ci_backup, metrics=METRICS, prove_writable=True, check_mode=True)
    with pytest.raises(RollbackError, match="Resource not accessible") as caught:
        ci.call(ci_backup, metrics=METRICS, prove_writable=True)
    assert "contents: write" in caught.value.hint
    assert not ci.state_dir.exists()
