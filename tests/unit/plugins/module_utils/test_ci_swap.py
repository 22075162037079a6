# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_swap
from ansible_collections.tiered.rollback.plugins.module_utils._ci_swap import Contents, Source
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import Entry

CI = ".github/workflows/ci.yml"


def entry(blob: str, mode: str = "100644") -> Entry:
    return Entry(mode=mode, blob=blob)


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("ci.yml", CI),
        ("ci.yaml", ".github/workflows/ci.yaml"),
        (CI, CI),
        ("docker-compose.test.yml", "docker-compose.test.yml"),
        ("Dockerfile.test", "Dockerfile.test"),
        ("scripts/ci.yml", "scripts/ci.yml"),
    ],
)
def test_a_workflow_may_be_named_by_its_file_alone(file: str, path: str) -> None:
    assert _ci_swap.paths([file]) == [path]


@pytest.mark.parametrize("file", ["../ci.yml", "/ci.yml", "", "a/../../ci.yml"])
def test_a_path_stays_inside_of_the_repository(file: str) -> None:
    with pytest.raises(RollbackError, match="may not leave"):
        _ci_swap.paths([file])


@pytest.mark.parametrize(
    ("path", "is_one"), [(CI, True), (f"{CI}.backup", False), ("ci.yml", False), (".github/workflows/README.md", False)]
)
def test_what_github_would_run_is_known(path: str, is_one: bool) -> None:
    assert _ci_swap.is_workflow(path) is is_one


def test_workflows_with_a_backup_are_found() -> None:
    names = (CI, f"{CI}.backup", ".github/workflows/a.yml.backup", "x.backup")
    assert _ci_swap.kept(dict.fromkeys(names, entry("1")), ".backup") == [".github/workflows/a.yml", CI]


def test_a_backup_takes_the_mode_of_what_it_is_a_backup_of() -> None:
    here = {"run.sh": entry("1", "100755"), "run.sh.backup": entry("2")}
    source = Source(entries=here, suffix=".backup", name="main")
    assert _ci_swap.plan(["run.sh"], here, source) == {"run.sh": entry("2", "100755")}


def test_a_symbolic_link_stays_what_it_is() -> None:
    """Whatever takes its place, and wherever it is put."""
    here = {"a": entry("1", "120000"), "a.backup": entry("2"), "b": entry("3"), "b.backup": entry("4", "120000")}
    source = Source(entries=here, suffix=".backup", name="main")
    assert _ci_swap.plan(["a", "b"], here, source) == {"a": entry("2"), "b": entry("4", "120000")}
    assert _ci_swap.modes(here) == {"a.backup": "100644", "b": "100644"}


@pytest.mark.parametrize(
    ("here", "there", "what"),
    [
        ({"docker/a": entry("1")}, {}, "directory"),
        ({}, {"docker/a": entry("1")}, "directory"),
        ({"docker": entry("1", "160000")}, {}, "submodule"),
        ({}, {"docker": entry("1", "160000")}, "submodule"),
    ],
)
def test_what_is_no_file_is_refused(here: dict[str, Entry], there: dict[str, Entry], what: str) -> None:
    with pytest.raises(RollbackError, match=f"docker is a {what}"):
        _ci_swap.plan(["docker"], here, Source(entries=there, suffix="", name="v1"), ["docker"])


def test_a_mode_alone_is_a_change() -> None:
    there = Source(entries={"run.sh": entry("1", "100755")}, suffix="", name="v1")
    assert _ci_swap.plan(["run.sh"], {"run.sh": entry("1")}, there) == {"run.sh": entry("1", "100755")}


def test_what_is_the_same_already_is_left_out() -> None:
    here = {"a": entry("1"), "b": entry("2")}
    there = Source(entries={"a": entry("1"), "b": entry("3")}, suffix="", name="v1")
    assert _ci_swap.plan(["a", "b"], here, there) == {"b": entry("3")}


def test_what_was_not_there_goes_and_what_is_nowhere_is_an_error() -> None:
    there = Source(entries={"other.yml": entry("1")}, suffix="", name="v1")
    assert _ci_swap.plan(["a"], {"a": entry("1")}, there) == {"a": None}
    with pytest.raises(RollbackError, match=r"v1 has no othar\.yml") as caught:
        _ci_swap.plan(["othar.yml"], {}, there)
    assert "other.yml" in caught.value.hint


def test_what_is_gone_already_is_no_change() -> None:
    there = Source(entries={}, suffix="", name="v1")
    assert _ci_swap.nowhere(["a", "b"], {"b": entry("1")}, there) == ["a"]
    assert _ci_swap.plan(["a", "b"], {"b": entry("1")}, there, ["a"]) == {"b": None}


def test_contents_that_are_there_already_are_no_change() -> None:
    # The name that git hash-object gives to "x\n".
    here = {CI: entry("587be6b4c3f93f93c489c0111bba5596147a26cb")}
    assert _ci_swap.given({"ci.yml": "x\n"}, here) == {}
    assert _ci_swap.given({"ci.yml": "y\n"}, here) == {CI: b"y\n"}


def test_a_proposal_is_named_by_what_it_would_do() -> None:
    same = [_ci_swap.proposal(each, "main") for each in ({"a": entry("1"), "b": None}, {"b": None, "a": entry("1")})]
    assert same[0] == same[1]
    others = ({"a": entry("1")}, {"a": entry("2")}, {"a": None}, {"b": entry("1")})
    assert len({_ci_swap.proposal(each, base) for each in others for base in ("main", "release")}) == 8


def test_a_message_says_what_comes_from_where() -> None:
    message = _ci_swap.message({"b": None, "a": entry("1")}, "v1")
    assert message == "Roll CI back: 2 files from v1\n\n- a\n- b (removed)\n"


def test_differences_are_shown_as_far_as_they_are_read() -> None:
    small = Contents(before={"a": b"1\n", "b": None, "c": b"3"}, after={"a": b"2\n", "b": b"new\n", "c": None})
    shown = _ci_swap.differences(small)["prepared"]
    assert "--- a/a\n+++ b/a\n" in shown
    assert "--- /dev/null\n+++ b/b\n" in shown
    assert "--- a/c\n+++ /dev/null\n" in shown
    long = Contents(before={"a": None}, after={"a": b"x\n" * 1000})
    assert _ci_swap.differences(long)["prepared"].endswith("... and 603 more lines\n")
