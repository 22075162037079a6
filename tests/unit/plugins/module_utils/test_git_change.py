# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _git_change, _git_history, _git_remote
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote
from ansible_collections.tiered.rollback.tests.support.git_http import Author, GitServer


@pytest.fixture
def remote(git_server: GitServer, author: Author) -> Iterator[Remote]:
    """The repository with ``main`` checked out; beside it a branch ``side`` that conflicts, and a merge."""
    author.git("checkout", "--quiet", "-b", "side", "main~2")
    author.commit("Side one", {"ci.yml": "side\n"})
    author.git("checkout", "--quiet", "-b", "merging", "main")
    author.git("checkout", "--quiet", "-b", "more", "main~1")
    author.commit("More", {"more": "1\n"})
    author.git("checkout", "--quiet", "merging")
    author.merge("more")
    author.push("side", "merging")
    url = f"file://{git_server.root}/shop.git"
    with _git_remote.opened(url, None, "Olga <o@example.org>", set()) as found:
        found.begin("main", None)
        _git_change.place(found, found.resolve("main"))
        yield found


def _message(remote: Remote) -> str:
    return remote.git("show", "-s", "--format=%B").strip()


def test_a_revert_says_what_it_reverts_and_why(remote: Remote) -> None:
    commit = _git_history.one(remote, "main")
    assert _git_change.revert(remote, commit, "Because.\n# of this")
    assert remote.tree("HEAD") == remote.tree("main~1")
    assert _message(remote) == (f'Revert "P3-007: cache"\n\nThis reverts commit {commit.sha}.\n\nBecause.\n# of this')


def test_what_is_reverted_already_makes_no_commit_and_leaves_nothing_behind(remote: Remote) -> None:
    commit, other = _git_history.one(remote, "main"), _git_history.one(remote, "main~1")
    assert _git_change.revert(remote, commit, "")
    made = _git_change.head(remote)
    assert not _git_change.revert(remote, commit, "")
    assert _git_change.head(remote) == made
    assert _git_change.revert(remote, other, "")
    assert f"This reverts commit {other.sha}." in _message(remote)


def test_a_merge_is_reverted_as_one_step(remote: Remote) -> None:
    _git_change.place(remote, remote.resolve("merging"))
    commit = _git_history.one(remote, "merging")
    assert _git_change.revert(remote, commit, "")
    assert remote.tree("HEAD") == remote.tree("main")
    assert f"This reverts commit {commit.sha}, reversing\nchanges made to {commit.parents[0]}." in _message(remote)
    assert _git_history.undone(remote, "HEAD") == {commit.sha}


def test_a_merge_is_picked_as_what_it_brought(remote: Remote) -> None:
    assert _git_change.pick(remote, _git_history.one(remote, "merging"))
    assert remote.tree("HEAD") == remote.tree("merging")


def test_a_pick_keeps_its_author_and_says_where_it_comes_from(remote: Remote) -> None:
    commit = _git_history.one(remote, "merging^2")
    assert _git_change.pick(remote, commit)
    assert remote.git("show", "-s", "--format=%an/%cn").strip() == "test/Olga"
    assert _message(remote) == f"More\n\n(cherry picked from commit {commit.sha})"
    _git_change.place(remote, _git_change.head(remote))
    assert not _git_change.pick(remote, commit)


@pytest.mark.parametrize("act", ["revert", "pick"])
def test_a_conflict_names_the_files_and_the_commit(remote: Remote, act: str) -> None:
    commit = _git_history.one(remote, "main~1" if act == "revert" else "side")
    with pytest.raises(RollbackError, match=r"conflicts in ci.yml") as caught:
        _git_change.revert(remote, commit, "") if act == "revert" else _git_change.pick(remote, commit)
    assert commit.describe() in caught.value.message
    assert caught.value.facts == {"conflicts": ["ci.yml"]}


def test_paths_go_back_in_one_commit_also_those_that_are_new_or_gone(remote: Remote) -> None:
    commit = _git_history.one(remote, "ci-stable-1")
    assert _git_change.restore(remote, commit, ["ci.yml", "scripts"], "Because.")
    assert remote.git("diff", "--name-only", "ci-stable-1").split() == ["Dockerfile.test"]
    assert _message(remote).split("\n") == [
        f"Bring 2 paths back to {commit.sha[:12]}",
        "",
        'As of "Stable":',
        "",
        "ci.yml",
        "scripts",
        "",
        "Because.",
    ]
    made = _git_change.head(remote)
    assert not _git_change.restore(remote, commit, ["ci.yml"], "")
    assert _git_change.restore(remote, _git_history.one(remote, "main"), ["scripts/run.sh"], "")
    assert remote.git("diff", "--name-only", made, "HEAD").split() == ["scripts/run.sh"]


@pytest.mark.parametrize(
    ("path", "message"), [("none", "neither on the branch"), ("../x", "may not leave"), ("*.yml", "neither on")]
)
def test_a_path_that_is_nowhere_is_refused(remote: Remote, path: str, message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _git_change.restore(remote, _git_history.one(remote, "ci-stable-1"), ["ci.yml", path], "")


def test_checking_out_takes_back_whatever_was_left(remote: Remote) -> None:
    top = Path(remote.directory)
    (top / "ci.yml").write_text("spoilt\n")
    (top / "left").mkdir()
    (top / "left/over").write_text("x")
    (top / ".gitignore").write_text("*\n")
    _git_change.place(remote, remote.resolve("main"))
    assert sorted(path.name for path in top.iterdir() if path.name != ".git") == [
        "Dockerfile.test",
        "README",
        "ci.yml",
        "scripts",
    ]
    assert (top / "ci.yml").read_text() == "three\n"


def test_the_difference_is_shown_as_far_as_it_is_bearable(remote: Remote, author: Author) -> None:
    told = _git_change.told(remote, "main~1", "main")
    assert told["files"] == ["Dockerfile.test", "ci.yml"]
    assert "-two\n+three\n" in told["diff"]["prepared"]
    top = Path(remote.directory)
    (top / "blob").write_bytes(b"\0secret")
    (top / "long").write_text("line\n" * 50_000)
    remote.git("add", "--all")
    remote.git("commit", "--quiet", "--message=big")
    shown = _git_change.told(remote, "main", "HEAD")["diff"]["prepared"]
    assert "Binary files /dev/null and b/blob differ" in shown
    assert "secret" not in shown
    assert len(shown) < 61_000
    assert "more characters" in shown.split("\n")[-2]


def test_what_takes_a_push_back_is_a_range() -> None:
    assert _git_change.undo("main", "a", "b") == {"branch": "main", "range": "a..b"}
    assert _git_change.undo("main", "a", None) is None
