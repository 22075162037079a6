# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With the real tools."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _workflow_check
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

PATH = ".github/workflows/ci.yml"
COMMIT = "11bd71901bbe5b1630ceea73d27597364c9af683"
GOOD = f"""
on: push
permissions: {{}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{COMMIT}
        with: {{persist-credentials: false}}
      - run: make
"""
INJECTED = GOOD.replace("push", "issues").replace("run: make", "run: echo ${{ github.event.issue.title }}")
UNPINNED = GOOD.replace(COMMIT, "v4")
MISSPELT = GOOD.replace("run: make", "rum: make")


def _rules(before: str | None, after: str | None, *checks: str) -> list[tuple[str, str, str]]:
    contents = [None if text is None else text.encode() for text in (before, after)]
    findings = _workflow_check.validate(
        {PATH: contents[0]}, {PATH: contents[1]}, checks or ("schema", "security", "pins")
    )
    assert {finding.file for finding in findings} <= {PATH}
    return [(finding.check, finding.rule, finding.where) for finding in findings]


@pytest.mark.parametrize(("before", "after"), [(None, GOOD), (GOOD, GOOD), (INJECTED, GOOD), (GOOD, None)])
def test_contents_that_are_well_have_no_finding(before: str | None, after: str | None) -> None:
    assert _rules(before, after) == []


@pytest.mark.parametrize(
    ("after", "finding"),
    [
        (MISSPELT, ("schema", "schema", "jobs.test.steps[1]")),
        (INJECTED, ("security", "template-injection", "jobs.test.steps[1].run")),
        (UNPINNED, ("pins", "unpinned", "jobs.test.steps[0]")),
    ],
)
def test_what_was_not_wrong_before_is_found_by_the_check_that_is_asked_for(
    after: str, finding: tuple[str, str, str]
) -> None:
    assert _rules(GOOD, after, finding[0]) == [finding]
    others = {"schema", "security", "pins"} - {finding[0]}
    assert finding not in _rules(GOOD, after, *others)


@pytest.mark.parametrize("text", [MISSPELT, INJECTED, UNPINNED])
def test_what_was_wrong_before_is_no_finding_wherever_it_is_now(text: str) -> None:
    assert _rules(text, f"# a line more\n\n{text}") == []


def test_the_same_in_another_step_is_a_finding() -> None:
    twice = f"{INJECTED}      - run: echo ${{{{ github.event.issue.title }}}}\n"
    assert _rules(INJECTED, twice) == [("security", "template-injection", "jobs.test.steps[2].run")]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ("on: push\njobs: {a: [}\n", "ci.yml, line 2 is no YAML"),
        ("services: {db: {image: x}}\n", "is no workflow: it has no jobs"),
        ("", "is no workflow"),
        ("\x00", "is no YAML"),
    ],
)
@pytest.mark.parametrize("before", [None, "the same"])
def test_what_is_no_workflow_is_a_finding_whatever_it_was_before(before: str | None, after: str, says: str) -> None:
    data = after.encode()
    (finding,) = _workflow_check.validate({PATH: None if before is None else data}, {PATH: data}, ())
    assert (finding.check, finding.rule) == ("schema", "no-workflow")
    assert says in finding.message


def test_a_file_that_was_no_workflow_hides_nothing() -> None:
    assert _rules("a: [", UNPINNED, "pins") == [("pins", "unpinned", "jobs.test.steps[0]")]
    assert _rules("a: [", INJECTED, "security") != []


def test_what_the_audit_cannot_read_is_not_taken_for_safe() -> None:
    assert _rules(None, MISSPELT, "security") == [("security", "unreadable", "")]


def test_a_key_that_stands_twice_is_a_finding() -> None:
    assert _rules(None, f"{GOOD}on: issues\n", "schema") == [("schema", "parse", "")]


def test_each_file_is_compared_with_itself() -> None:
    other = ".github/workflows/other.yml"
    before = {PATH: INJECTED.encode(), other: GOOD.encode()}
    after = {PATH: INJECTED.encode(), other: INJECTED.encode()}
    (finding,) = _workflow_check.validate(before, after)
    assert (finding.file, finding.rule, finding.severity) == (other, "template-injection", "high")


def test_an_action_that_another_file_used_before_is_known() -> None:
    other = ".github/workflows/other.yml"
    assert not _workflow_check.validate({other: UNPINNED.encode()}, {PATH: UNPINNED.encode()}, ["pins"])


def test_a_configuration_elsewhere_does_not_decide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "zizmor.yml"
    config.write_text("rules: {template-injection: {disable: true}}\n")
    monkeypatch.setenv("ZIZMOR_CONFIG", str(config))
    assert _rules(GOOD, INJECTED, "security") == [("security", "template-injection", "jobs.test.steps[1].run")]


@pytest.mark.parametrize(("check", "tool"), [("schema", "check-jsonschema"), ("security", "zizmor")])
def test_a_tool_that_is_missing_is_named(
    check: str, tool: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RollbackError, match=f"{tool} is not installed") as caught:
        _rules(None, GOOD, check)
    assert f"pip install {tool}" in caught.value.hint
    assert _rules(None, GOOD, "pins") == []


def test_a_tool_of_the_search_path_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert _rules(GOOD, MISSPELT, "schema") == [("schema", "schema", "jobs.test.steps[1]")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for name in ("ci.yml", "full.yaml", "ci.yml.backup", "README.md"):
        (folder / name).write_text(name)
    return tmp_path


def test_all_workflow_files_are_read_or_those_that_are_named(checkout: Path) -> None:
    everything = {f".github/workflows/{name}": name.encode() for name in ("ci.yml", "full.yaml")}
    assert _workflow_check.read(checkout) == everything
    backup = ".github/workflows/ci.yml.backup"
    assert _workflow_check.read(checkout, [backup]) == {backup: b"ci.yml.backup"}


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("absent.yml", "absent.yml cannot be read: No such file"),
        ("../x.yml", "may not leave"),
        (".github", "directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(checkout: Path, file: str, says: str) -> None:
    with pytest.raises(RollbackError, match=says):
        _workflow_check.read(checkout, [file])


def test_a_directory_without_workflow_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match=r"has no workflow files in \.github/workflows"):
        _workflow_check.read(tmp_path)


def test_of_a_huge_file_no_more_is_read_than_tells_that_it_is(checkout: Path) -> None:
    (checkout / PATH).write_bytes(b"a" * (2 << 20))
    data = _workflow_check.read(checkout, [PATH])[PATH]
    (finding,) = _workflow_check.validate({}, {PATH: data}, ())
    assert "larger than 512 kB" in finding.message
    assert len(data) < 1 << 20
