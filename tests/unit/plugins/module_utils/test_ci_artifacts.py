# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._ci_artifacts import Artifacts
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Unmet
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

GOOD = '<testsuite tests="2"><testcase/><testcase><skipped/></testcase></testsuite>'


def _after(directory: Path, name: str, text: str) -> Artifacts:
    """Artifacts of a run that wrote one file."""
    found = Artifacts(directory, [name])
    (directory / name).write_text(text)
    return found


def test_files_that_the_run_wrote_are_counted(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("before")
    found = Artifacts(tmp_path, ["a", "b"])
    (tmp_path / "a").write_text("")
    (tmp_path / "b").write_text("now")
    assert found.written(["a", "b"]) == "2 written"


def test_a_file_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(GOOD)
    found = Artifacts(tmp_path, ["old.xml", "new.xml"])
    with pytest.raises(Unmet, match=r"^old\.xml was not written by this run; new\.xml is not there$"):
        found.written(["old.xml", "new.xml"])
    with pytest.raises(RollbackError, match="was not written by this run") as caught:
        found.junit("old.xml")
    assert "mounts" in caught.value.hint


def test_a_file_that_is_written_again_with_the_same_contents_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    found = Artifacts(tmp_path, ["a"])
    (tmp_path / "new").write_text("same")
    (tmp_path / "new").replace(tmp_path / "a")
    assert found.written(["a"]) == "1 written"


def test_a_junit_report_says_its_counts(tmp_path: Path) -> None:
    assert _after(tmp_path, "j.xml", GOOD).junit("j.xml") == "2 tests, 0 failures, 0 errors, 1 skipped"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<testsuite/>", "0 tests"),
        ("<testsuite><testcase><skipped/></testcase></testsuite>", "1 tests, 0 failures, 0 errors, 1 skipped"),
        ("<testsuite><testcase><failure/></testcase><testcase/></testsuite>", "2 tests, 1 failures"),
        ("<testsuite><testcase><error/></testcase><testcase/></testsuite>", "2 tests, 0 failures, 1 errors"),
    ],
)
def test_tests_that_fail_or_do_not_run_are_not_as_expected(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Unmet, match=f"^{says}"):
        _after(tmp_path, "j.xml", text).junit("j.xml")


@pytest.mark.parametrize(("covered", "percent"), [(800, "80 %"), (1000, "100 %")])
def test_coverage_that_is_enough_says_its_percentage(tmp_path: Path, covered: int, percent: str) -> None:
    text = f'<coverage lines-valid="1000" lines-covered="{covered}"/>'
    assert _after(tmp_path, "c.xml", text).coverage("c.xml", 80) == percent


def test_coverage_is_not_rounded_up(tmp_path: Path) -> None:
    text = '<coverage lines-valid="100000" lines-covered="79999" line-rate="0.8"/>'
    with pytest.raises(Unmet, match=r"^79\.999 %$"):
        _after(tmp_path, "c.xml", text).coverage("c.xml", 80)


def test_what_is_no_coverage_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="is no coverage report"):
        _after(tmp_path, "j.xml", GOOD).coverage("j.xml", 80)


def test_a_directory_is_no_report(tmp_path: Path) -> None:
    found = Artifacts(tmp_path, ["reports"])
    (tmp_path / "reports").mkdir()
    with pytest.raises(RollbackError, match="reports cannot be read: Is a directory"):
        found.junit("reports")
