# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import git_cherry_pick
from ansible_collections.tiered.rollback.tests.support.checkout import git
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule
from ansible_collections.tiered.rollback.tests.support.git_http import Author, GitServer, refs

Act = Callable[..., dict[str, Any]]


@pytest.fixture
def act(git_server: GitServer, author: Author) -> Act:
    """Run the module on a repository whose ``main`` was rolled back; ``one`` and ``two`` are the commits."""
    author.git("tag", "one", "main~1")
    author.git("tag", "two", "main")
    author.git("revert", "--no-edit", "main", "main~1")
    author.push("main")
    defaults = {name: spec.get("default") for name, spec in git_cherry_pick.OPTIONS.items()}

    def run(*, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        given = {"repository": git_server.url(), "token": git_server.token, "branch": "fix", "commits": ["one", "two"]}
        return git_cherry_pick.act(FakeModule({**defaults, **given, **params}, check_mode))

    return run


def _at(server: GitServer, name: str) -> str:
    return git(server.root / "shop.git", "rev-parse", name)


def _pushes(server: GitServer) -> int:
    return len([line for line in server.requests if "POST /shop.git/git-receive-pack" in line])


def test_reverted_commits_come_back_onto_a_new_branch_each_pushed_alone(
    act: Act, git_server: GitServer, author: Author
) -> None:
    git_server.requests.clear()
    main = author.git("rev-parse", "main")
    result = act()
    assert _pushes(git_server) == 2
    assert _at(git_server, "fix^{tree}") == author.git("rev-parse", "two^{tree}")
    assert _at(git_server, "fix~2") == _at(git_server, "main") == main
    assert (result["before"], result["after"], result["pushed_to"]) == (main, _at(git_server, "fix"), "fix")
    assert [entry["subject"] for entry in result["picked"]] == ["P3-007: unify", "P3-007: cache"]
    assert result["undo"] == {"branch": "fix", "range": f"{main}..{result['after']}"}
    again = act()
    assert (again["changed"], again["picked"], again["after"], again["pushed_to"]) == (False, [], result["after"], None)
    assert again["skipped"] == result["picked"]


def test_a_branch_that_is_there_goes_on(act: Act, git_server: GitServer) -> None:
    first = act(commits=["one"])
    assert act(expect=first["after"])["picked"] == [
        {"commit": _at(git_server, "two"), "subject": "P3-007: cache"},
    ]
    assert _at(git_server, "fix~1") == first["after"]
    with pytest.raises(RollbackError, match="somebody pushed"):
        act(expect=first["after"])


def test_a_branch_that_is_expected_must_be_there(act: Act, author: Author) -> None:
    with pytest.raises(RollbackError, match="no branch fix"):
        act(expect=author.git("rev-parse", "main"))


def test_a_new_branch_begins_where_it_is_told(act: Act, git_server: GitServer, author: Author) -> None:
    author.push("one:refs/heads/release")
    result = act(base="release")
    assert [entry["subject"] for entry in result["skipped"]] == ["P3-007: unify"]
    assert _at(git_server, "fix~1") == _at(git_server, "release") == result["before"]


def test_where_the_base_has_everything_no_branch_is_made(act: Act, git_server: GitServer, author: Author) -> None:
    before = refs(git_server.root / "shop.git")
    assert not act(commits=["ci-stable-1"])["changed"]
    assert refs(git_server.root / "shop.git") == before


def test_check_mode_validates_gives_the_same_answer_and_moves_nothing(act: Act, git_server: GitServer) -> None:
    before = refs(git_server.root / "shop.git")
    foretold = act(check_mode=True, validate=[["test", "-e", "scripts/run.sh"]])
    assert refs(git_server.root / "shop.git") == before
    with pytest.raises(RollbackError, match="is not valid there"):
        act(check_mode=True, validate=[["false"]])
    real = act(validate=[["test", "-e", "scripts/run.sh"]])
    assert foretold == {**real, "after": None, "undo": None}


def test_what_is_not_valid_is_not_pushed_and_what_came_before_stays(act: Act, git_server: GitServer) -> None:
    code = "import sys; sys.exit('it is three' if 'three' in open('ci.yml').read() else 0)"
    with pytest.raises(RollbackError, match=r"P3-007: cache is not valid there: .* it is three") as caught:
        act(validate=[["true"], [sys.executable, "-c", code]])
    assert "1 were taken and stay" in caught.value.message
    assert _at(git_server, "fix^{tree}") == _at(git_server, "one^{tree}")
    facts: dict[str, Any] = caught.value.facts
    assert [entry["subject"] for entry in facts["picked"]] == ["P3-007: unify"]
    assert facts["undo"]["range"].endswith(_at(git_server, "fix"))


@pytest.mark.parametrize(
    ("validate", "message"),
    [
        ([["no-such-program"]], "cannot run no-such-program"),
        ([["./ci.yml"]], "Permission denied"),
        ([["sleep", 60]], "took longer than 1 s"),
        ([["true"], []], "command in validate, is empty"),
    ],
    ids=["absent", "no program", "too long", "empty"],
)
def test_a_command_that_cannot_be_run_is_no_validation(
    act: Act, git_server: GitServer, validate: list[list[Any]], message: str
) -> None:
    before = refs(git_server.root / "shop.git")
    with pytest.raises(RollbackError, match=message):
        act(validate=validate, timeout=1)
    assert refs(git_server.root / "shop.git") == before


def test_a_command_finds_a_fresh_work_tree_and_no_token(act: Act, git_server: GitServer) -> None:
    code = """
import os, pathlib
pathlib.Path("left").touch(exist_ok=False)
pathlib.Path("ci.yml").write_text("spoilt")
os._exit("GIT_CONFIG_COUNT" in os.environ)
"""
    loud = [sys.executable, "-c", code]
    assert len(act(validate=[loud])["picked"]) == 2
    assert _at(git_server, "fix^{tree}") == _at(git_server, "two^{tree}")


def test_a_conflict_is_told_and_what_came_before_stays(act: Act, git_server: GitServer, author: Author) -> None:
    author.git("checkout", "--quiet", "-b", "side", "ci-stable-1")
    author.commit("Side", {"ci.yml": "side\n"})
    author.push("side")
    with pytest.raises(RollbackError, match=r"Side conflicts in ci\.yml; of the commits before it, 1") as caught:
        act(commits=["one", "side", "two"])
    assert caught.value.facts["conflicts"] == ["ci.yml"]
    assert _at(git_server, "fix^{tree}") == _at(git_server, "one^{tree}")


def test_an_unknown_commit_is_told_before_anything_is_pushed(act: Act, git_server: GitServer) -> None:
    before = refs(git_server.root / "shop.git")
    with pytest.raises(RollbackError, match="no commit none"):
        act(commits=["one", "none"])
    with pytest.raises(RollbackError, match="is empty"):
        act(commits=[])
    assert refs(git_server.root / "shop.git") == before


def test_a_push_by_somebody_else_between_two_commits_stays(act: Act, git_server: GitServer, author: Author) -> None:
    def meanwhile() -> None:
        bare = f"file://{git_server.root}/shop.git"
        git(author.directory, "fetch", "--quiet", bare, "fix")
        git(author.directory, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        author.commit("theirs")
        git(author.directory, "push", "--quiet", bare, "HEAD:fix")

    git_server.after.append(
        (
            "POST /shop.git/git-receive-pack",
            lambda: git_server.before.append(("service=git-receive-pack", meanwhile)),
        )
    )
    with pytest.raises(RollbackError, match="somebody pushed: fix is") as caught:
        act()
    assert len(caught.value.facts["picked"]) == 1
    assert _at(git_server, "fix") == author.git("rev-parse", "HEAD")
