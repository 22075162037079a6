# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _report_html, _reports


def write(state: Path, record: dict[str, Any], **changes: Any) -> tuple[Path, list[str]]:
    told: list[str] = []
    values = {"markdown": _outcome.markdown, "next_steps": _outcome.next_steps, "warn": told.append, **changes}
    return _reports.write(state, record, **values), told


def test_every_document_is_written_for_its_owner_only(tmp_path: Path, example: dict[str, Any]) -> None:
    report, told = write(tmp_path, example, probe_log=b"{}\n")
    found = {path.name.removeprefix(example["run"]): path for path in report.parent.iterdir()}
    assert set(found) == {".md", ".json", ".html", ".incident.md", ".probe.jsonl"}
    assert {path.stat().st_mode & 0o777 for path in found.values()} == {0o600}
    assert json.loads(found[".json"].read_text()) == example
    assert (report, told) == (found[".md"], [])


def test_a_run_without_a_probe_has_no_log_of_one(tmp_path: Path, example: dict[str, Any]) -> None:
    report, _told = write(tmp_path, example)
    assert not report.with_suffix(".probe.jsonl").exists()


def test_a_document_that_cannot_be_made_is_told_and_the_others_are_written(
    tmp_path: Path, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_report_html, "render", lambda *_: 1 / 0)
    report, told = write(tmp_path, example)
    assert len(told) == 1
    assert ".html could not be written: division by zero" in told[0]
    assert report.exists()
    assert report.with_suffix(".incident.md").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, example: dict[str, Any]) -> None:
    (tmp_path / "reports").write_text("in the way")
    _report, told = write(tmp_path, example)
    assert len(told) == 4
