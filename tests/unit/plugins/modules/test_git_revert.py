# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import git_revert
from ansible_collections.tiered.rollback.tests.support.builders import Build
from ansible_collections.tiered.rollback.tests.support.checkout import git
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule
from ansible_collections.tiered.rollback.tests.support.git_http import Author, GitServer, refs

STABLE = {"tag": "ci-stable-*"}
Act = Callable[..., dict[str, Any]]


@pytest.fixture
def act(git_server: GitServer, author: Author) -> Act:
    """Run the module on the server's repository."""
    defaults = {name: spec.get("default") for name, spec in git_revert.OPTIONS.items()}

    def run(*, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        given = {"repository": git_server.url(), "token": git_server.token, **params}
        return git_revert.act(FakeModule({**defaults, **given}, check_mode))

    return run


def _at(server: GitServer, name: str) -> str:
    return git(server.root / "shop.git", "rev-parse", name)


@pytest.mark.parametrize(
    "what", [{"to": STABLE}, {"range": "ci-stable-1..main"}, {"range": "HEAD~2..HEAD"}, {"commits": ["main~1", "main"]}]
)
def test_commits_are_reverted_one_by_one_in_one_push(
    act: Act, git_server: GitServer, author: Author, what: dict[str, Any]
) -> None:
    older, newer = author.git("rev-parse", "main~1"), author.git("rev-parse", "main")
    git_server.requests.clear()
    result = act(**what)
    assert _at(git_server, "main^{tree}") == _at(git_server, "ci-stable-1^{tree}")
    assert _at(git_server, "main~2") == newer
    assert len([line for line in git_server.requests if "POST /shop.git/git-receive-pack" in line]) == 1
    assert result["reverted"] == [
        {"commit": newer, "subject": "P3-007: cache"},
        {"commit": older, "subject": "P3-007: unify"},
    ]
    assert (result["changed"], result["before"], result["after"]) == (True, newer, _at(git_server, "main"))
    assert (result["branch"], result["pushed_to"]) == ("main", "main")
    assert result["files"] == ["Dockerfile.test", "ci.yml", "scripts/run.sh"]
    assert result["actions"] == [
        f"revert {newer[:12]} P3-007: cache",
        f"revert {older[:12]} P3-007: unify",
        "push to main",
    ]


@pytest.mark.parametrize("what", [{"to": STABLE}, {"range": "ci-stable-1..SHA"}, {"commits": ["SHA", "SHA~1"]}])
def test_run_again_it_changes_nothing(act: Act, git_server: GitServer, author: Author, what: dict[str, Any]) -> None:
    sha = author.git("rev-parse", "main")
    fixed = {
        "to": what.get("to"),
        "range": what.get("range", "").replace("SHA", sha) or None,
        "commits": [name.replace("SHA", sha) for name in what.get("commits", [])] or None,
    }
    first = act(**fixed)
    before = refs(git_server.root / "shop.git")
    again = act(**fixed)
    assert refs(git_server.root / "shop.git") == before
    assert again == {
        "changed": False,
        "branch": "main",
        "before": first["after"],
        "after": first["after"],
        "pushed_to": None,
        "stable": first["stable"],
        "reverted": [],
        "files": [],
        "actions": [],
        "undo": None,
        "diff": {"before": "", "after": ""},
    }


def test_what_it_answers_takes_it_back(act: Act, git_server: GitServer, author: Author) -> None:
    done = act(to=STABLE)
    act(**done["undo"])
    assert _at(git_server, "main^{tree}") == author.git("rev-parse", "main^{tree}")
    # Undone commits count as done again, so the same rollback works once more.
    assert act(to=STABLE)["changed"]
    assert _at(git_server, "main^{tree}") == _at(git_server, "ci-stable-1^{tree}")


def test_after_a_first_rollback_only_what_came_since_is_reverted(
    act: Act, git_server: GitServer, author: Author
) -> None:
    act(to=STABLE)
    author.git("pull", "--quiet")
    worse = author.commit("worse", {"ci.yml": "worse\n"})
    author.push("main")
    assert act(to=STABLE)["reverted"] == [{"commit": worse, "subject": "worse"}]
    assert _at(git_server, "main^{tree}") == _at(git_server, "ci-stable-1^{tree}")


def test_what_somebody_took_back_by_hand_is_not_reverted_again(act: Act, author: Author) -> None:
    bad = author.git("rev-parse", "main")
    author.commit("by hand", {"ci.yml": "one\n", "Dockerfile.test": "one\n", "scripts/run.sh": None})
    author.push("main")
    assert not act(range=f"ci-stable-1..{bad}")["changed"]
    assert not act(to=STABLE)["changed"]


def test_check_mode_gives_the_same_answer_and_moves_nothing(act: Act, git_server: GitServer) -> None:
    before = refs(git_server.root / "shop.git")
    foretold = act(check_mode=True, to=STABLE)
    assert refs(git_server.root / "shop.git") == before
    assert not [line for line in git_server.requests[-6:] if "receive-pack" in line]
    real = act(to=STABLE)
    assert foretold == {**real, "after": None, "undo": None}
    assert "-three\n+one\n" in real["diff"]["prepared"]


def test_paths_go_back_alone_in_one_commit(act: Act, git_server: GitServer) -> None:
    result = act(to=STABLE, paths=["ci.yml", "scripts/run.sh"])
    assert result["files"] == ["ci.yml", "scripts/run.sh"]
    assert result["reverted"] == []
    assert result["actions"][0].startswith("bring ci.yml, scripts/run.sh back to ")
    assert result["stable"]["found_by"] == "tag ci-stable-*"
    assert _at(git_server, "main~1") == result["before"]
    assert _at(git_server, "main:Dockerfile.test") == _at(git_server, "main~1:Dockerfile.test")
    # One of them is gone by now, so it can be seen only in between.
    assert not act(to=STABLE, paths=["ci.yml", "scripts/run.sh"])["changed"]
    assert not act(to=STABLE, paths=["scripts/run.sh"])["changed"]


def test_an_empty_list_of_paths_does_not_mean_everything(act: Act, git_server: GitServer) -> None:
    before = refs(git_server.root / "shop.git")
    with pytest.raises(RollbackError, match="paths is empty"):
        act(to=STABLE, paths=[])
    assert refs(git_server.root / "shop.git") == before


def test_a_merge_is_reverted_with_all_it_brought(act: Act, git_server: GitServer, author: Author) -> None:
    author.git("checkout", "--quiet", "-b", "side", "main~1")
    author.commit("Side one", {"side": "one\n"})
    author.commit("Side two", {"side": "two\n"})
    author.git("checkout", "--quiet", "main")
    merge = author.merge("side")
    author.commit("after", {"after": "1\n"})
    author.push("main")
    assert [entry["subject"] for entry in act(range="main~2..main")["reverted"]] == ["after", "Merge branch side"]
    assert _at(git_server, "main^{tree}") == author.git("rev-parse", f"{merge}^1^{{tree}}")


def test_a_rollback_branch_is_made_and_the_branch_stays(act: Act, git_server: GitServer, author: Author) -> None:
    name, tip = "rollback-p3-007-20261121", author.git("rev-parse", "main")
    git_server.protect()
    with pytest.raises(RollbackError, match="GH006") as caught:
        act(to=STABLE)
    assert "rollback_branch" in caught.value.hint
    result = act(to=STABLE, rollback_branch=name)
    assert (result["pushed_to"], result["after"]) == (name, _at(git_server, name))
    assert result["undo"] == {"branch": name, "range": f"{tip}..{result['after']}"}
    assert _at(git_server, "main") == tip
    again = act(to=STABLE, rollback_branch=name)
    assert (again["changed"], again["after"], again["pushed_to"]) == (False, result["after"], name)


def test_a_rollback_branch_that_holds_something_else_is_not_overwritten(
    act: Act, git_server: GitServer, author: Author
) -> None:
    author.push("HEAD~1:refs/heads/rollback")
    before = refs(git_server.root / "shop.git")
    with pytest.raises(RollbackError, match="holds something else"):
        act(to=STABLE, rollback_branch="rollback")
    assert refs(git_server.root / "shop.git") == before


def test_a_conflict_changes_nothing_and_names_the_files(act: Act, git_server: GitServer) -> None:
    before = refs(git_server.root / "shop.git")
    with pytest.raises(RollbackError, match=r"P3-007: unify conflicts in ci.yml") as caught:
        act(commits=["main~1"])
    assert caught.value.facts == {"conflicts": ["ci.yml"]}
    assert "paths" in caught.value.hint
    assert refs(git_server.root / "shop.git") == before


def test_a_moved_branch_is_left_alone(act: Act, git_server: GitServer, author: Author) -> None:
    author.git("checkout", "--quiet", "--detach")
    theirs = author.commit("theirs")
    git_server.before.append(
        ("service=git-receive-pack", lambda: (git_server.root / "shop.git/refs/heads/main").write_text(f"{theirs}\n"))
    )
    git(author.directory, "push", "--quiet", f"file://{git_server.root}/shop.git", "HEAD:refs/heads/kept")
    with pytest.raises(RollbackError, match="somebody pushed"):
        act(to=STABLE)
    assert _at(git_server, "main") == theirs
    with pytest.raises(RollbackError, match="somebody pushed"):
        act(to=STABLE, expect=author.git("rev-parse", "main"))


@pytest.mark.parametrize("said", [True, False])
def test_each_commit_says_why(act: Act, build: Build, git_server: GitServer, said: bool) -> None:
    run = build.run(reason="CI takes too long")
    act(to=STABLE, run=run.to_dict(), reason="Ticket 7" if said else None)
    for commit in ("main", "main~1"):
        text = git(git_server.root / "shop.git", "show", "-s", "--format=%B", commit)
        last = "Ticket 7" if said else f"Rollback run {run.id} (tier1-emergency.yml) by olga@control: CI takes too long"
        assert text.split("\n\n")[-1] == last
