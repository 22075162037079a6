# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _test_reports
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._test_reports import Counts
from hypothesis import given
from hypothesis import strategies as st

CASES = (
    '<testcase name="a" time="0.1"/><testcase name="b"><failure message="x">text</failure><failure/></testcase>'
    '<testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase>'
)
COUNTED = {"tests": 4, "failures": 1, "errors": 1, "skipped": 1}
BOMB = (
    '<!DOCTYPE coverage [<!ENTITY a "0123456789"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<coverage line-rate="0.9"><x y="&b;"/></coverage>'
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (f"<testsuites>{'<testsuite>'}{CASES}</testsuite></testsuites>", 0),
        (f'<testsuite time="1.5">{CASES}</testsuite>', 1.5),
        ('<testsuites tests="4" failures="1" errors="1" skipped="1" time="2"/>', 2),
        (
            '<testsuites><testsuite tests="3" failures="1" skipped="1" time="1,000.5"/>'
            '<testsuite tests="1" errors="1" time="1"><testsuite tests="1" errors="1"/></testsuite></testsuites>',
            1001.5,
        ),
        ('<testsuite tests="4" skipped="1"><testcase><failure/><error/></testcase></testsuite>', 0),
    ],
    ids=["tests alone", "one suite", "totals alone", "totals of suites", "only what failed"],
)
def test_tests_are_counted(text: str, seconds: float) -> None:
    assert _test_reports.junit(text.encode()) == Counts(**COUNTED, seconds=seconds)


def test_a_report_that_pytest_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): raise AssertionError\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n"
        "def test_broken(absent): pass\n"
    )
    arguments = ["-q", "--rootdir", ".", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=tmp_path, check=False, capture_output=True)
    found = _test_reports.junit((tmp_path / "junit.xml").read_bytes())
    assert (found.tests, found.failures, found.errors, found.skipped) == (4, 1, 1, 1)
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<coverage line-rate='1'/>", "its root is coverage"),
        ("<testsuite><testcase>", "no element found"),
        ("", "no element found"),
        ("<testsuite tests='many'/>", "many"),
        ("<testsuite tests='-1'/>", "is no count"),
        ("<testsuite time='nan'/>", "is no count"),
        (BOMB.replace("coverage", "testsuite"), "declares entities"),
    ],
)
def test_what_is_no_junit_report_is_an_error(text: str, says: str) -> None:
    with pytest.raises(RollbackError, match=f"the JUnit report cannot be read: .*{says}"):
        _test_reports.junit(text.encode())


@pytest.mark.parametrize(
    ("name", "text", "percent"),
    [
        ("coverage.xml", '<coverage lines-valid="1000" lines-covered="799" line-rate="0.8"/>', 79.9),
        ("cov/COBERTURA.XML", '<coverage line-rate="0.5"><packages/></coverage>', 50.0),
        (
            "cobertura-coverage.xml",
            '<!DOCTYPE coverage SYSTEM "http://cobertura.example/dtd"><coverage line-rate="1"/>',
            100.0,
        ),
        ("coverage.xml", '<coverage lines-valid="0" lines-covered="0" line-rate="1"/>', None),
        ("junit.xml", CASES.join(["<testsuite>", "</testsuite>"]), None),
        ("coverage.json", json.dumps({"totals": {"percent_covered": 85.25, "num_statements": 4}}), 85.25),
        ("coverage.json", json.dumps({"totals": {"percent_covered": 100.0, "num_statements": 0}}), None),
        ("package.json", "{}", None),
        ("list.json", "[1]", None),
        ("lcov.info", "SF:a.js\nLF:10\nLH:9\nend_of_record\nSF:b.js\nLF:10\nLH:6\nend_of_record\n", 75.0),
        ("coverage.lcov", "LF:4\r\nLH:1\r\n", 25.0),
        ("lcov.info", "", None),
        ("notes.txt", "<coverage line-rate='1'/>", None),
    ],
)
def test_the_percentage_is_read(name: str, text: str, percent: float | None) -> None:
    assert _test_reports.coverage(name, text.encode()) == pytest.approx(percent)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("coverage.xml", BOMB, "declares entities"),
        ("coverage.xml", '<coverage line-rate="1"', "unclosed token"),
        ("coverage.xml", '<coverage line-rate="1.5"/>', "150.0 % are covered"),
        ("coverage.xml", '<coverage line-rate="-1"/>', "is no count"),
        ("coverage.json", '{"totals": ', "Expecting value"),
        ("coverage.json", '{"totals": {"percent_covered": NaN}}', "is no count"),
        ("coverage.json", '{"totals": {"percent_covered": null}}', "None"),
        ("coverage.json", "[" * 100_000, "recursion"),
        ("coverage.json", "\xff", "cannot be read"),
    ],
)
def test_a_damaged_report_is_an_error(name: str, text: str, says: str) -> None:
    with pytest.raises(RollbackError, match=says):
        _test_reports.coverage(name, text.encode("latin-1"))


def test_a_report_without_bounds_is_refused() -> None:
    with pytest.raises(RollbackError, match=r"coverage\.xml is larger than 16 MB"):
        _test_reports.coverage("coverage.xml", b" " * ((16 << 20) + 1))


@given(st.binary(max_size=200), st.sampled_from([".xml", ".json", ".info"]))
def test_whatever_the_bytes_are_nothing_else_is_raised(data: bytes, suffix: str) -> None:
    for read in (lambda: _test_reports.junit(data), lambda: _test_reports.coverage(f"x{suffix}", data)):
        try:
            read()
        except RollbackError:
            continue


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "c.xml",
            '<coverage><class filename="a.py"><methods><line number="1" hits="0"/></methods><lines>'
            '<line number="1" hits="2"/><line number="2" hits="0"/></lines></class>'
            '<class filename="b.py"/><class filename="a.py"><line number="3" hits="1"/></class></coverage>',
        ),
        (
            "c.json",
            '{"files": {"a.py": {"summary": {"covered_lines": 2, "num_statements": 3}}, "b.py": {"summary": {}}}}',
        ),
        ("lcov.info", "SF:a.py\nDA:1,1\nLF:3\nLH:2\nend_of_record\n"),
    ],
)
def test_a_report_says_of_each_file_how_much_of_it_was_run(name: str, text: str) -> None:
    found = _test_reports.coverage_of_files(name, text.encode())
    assert found["a.py"] == (2, 3)
    assert found.get("b.py", (0, 0)) == (0, 0)


def test_what_is_no_report_says_nothing_of_files_and_a_broken_one_is_refused() -> None:
    assert _test_reports.coverage_of_files("notes.txt", b"") == {}
    assert _test_reports.coverage_of_files("c.json", b"[]") == {}
    for data in (b"<coverage", BOMB.encode()):
        with pytest.raises(RollbackError, match="cannot be read"):
            _test_reports.coverage_of_files("c.xml", data)
