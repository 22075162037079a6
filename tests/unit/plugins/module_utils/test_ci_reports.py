# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_reports, _github_runs
from ansible_collections.tiered.rollback.plugins.module_utils._ci_reports import Reports
from ansible_collections.tiered.rollback.tests.support import github


def read(ci: Any, artifacts: dict[str, dict[str, str | bytes]], *patterns: str) -> Reports:
    run = ci.repository.add_run(artifacts=artifacts)
    client = ci.client()
    return _ci_reports.read(client, _github_runs.artifacts(client, run.id)[run.id], patterns or ("*",))


def test_coverage_and_tests_are_found_wherever_they_lie(ci: Any) -> None:
    found = read(ci, {"all": {"reports/coverage.xml": github.COVERAGE, "a/junit.xml": github.JUNIT, "log.txt": "x"}})
    assert (found.coverage, found.tests.tests if found.tests else 0, found.remarks) == (85.0, 4, ())


def test_tests_of_several_reports_are_added(ci: Any) -> None:
    found = read(ci, {"unit": {"junit.xml": github.JUNIT}, "e2e": {"junit.xml": github.JUNIT}})
    assert found.tests is not None
    assert (found.tests.tests, found.tests.skipped, found.tests.seconds) == (8, 2, 3.0)


def test_artifacts_of_other_names_are_not_downloaded(ci: Any) -> None:
    assert read(ci, {"logs": {"coverage.xml": github.COVERAGE}}, "*coverage*") == Reports()
    assert not [path for path in ci.project.asked("GET") if "/zip" in path]


@pytest.mark.parametrize(
    "archive", [{"coverage.xml": "<coverage"}, {"coverage.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><coverage/>"}]
)
def test_what_cannot_be_read_is_a_remark_and_the_rest_counts(ci: Any, archive: dict[str, str | bytes]) -> None:
    found = read(ci, {"a-bad": archive, "good": {"coverage.xml": github.COVERAGE}})
    assert (found.coverage, len(found.remarks)) == (85.0, 1)
    assert found.remarks[0].startswith("artifact a-bad: ")


def test_an_archive_that_unpacks_to_too_much_is_left_alone(ci: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ci_reports, "_MOST_BYTES", 100)
    found = read(ci, {"bomb": {"coverage.xml": "<!--" + " " * 1000 + "-->" + github.COVERAGE}})
    assert (found.coverage, found.remarks) == (None, ("artifact bomb: bomb unpacks to too much",))


def test_what_is_no_archive_is_a_remark(ci: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("coverage.xml", github.COVERAGE * 20)
    torn = bytearray(packed.getvalue())
    torn[40:60] = bytes(20)
    for data in (b"<html>", bytes(torn)):
        monkeypatch.setattr(_github_runs, "download", lambda *_arguments, data=data: data)
        assert "no archive that can be read" in read(ci, {"x": {"coverage.xml": "y"}}).remarks[0]
