# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _git_history, _git_remote
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote
from ansible_collections.tiered.rollback.tests.support.git_http import Author, GitServer

Open = Callable[[], Remote]


@pytest.fixture
def fetched(git_server: GitServer) -> Iterator[Open]:
    """Open the repository as it is at that moment, its branch ``main`` begun with."""
    with ExitStack() as stack:

        def fetch() -> Remote:
            url = f"file://{git_server.root}/shop.git"
            remote = stack.enter_context(_git_remote.opened(url, None, "Olga <o@example.org>", set()))
            remote.begin("main", None)
            return remote

        yield fetch


@pytest.fixture
def merged(author: Author) -> str:
    """A branch of two commits was merged into ``main``; return the merge."""
    author.git("checkout", "--quiet", "-b", "side", "main~1")
    author.commit("Side one\n\nCI-Stable: true", {"side": "one\n"})
    author.git("tag", "ci-stable-side")
    author.commit("Side two", {"side": "two\n"})
    author.git("checkout", "--quiet", "main")
    merge = author.merge("side")
    author.push("main", "side")
    return merge


def test_commits_are_read_with_whatever_their_subject_holds(author: Author, fetched: Open) -> None:
    subject = "odd\ttabs, \x0b\x85 and 'quotes'"
    sha, parent = author.commit(subject), author.git("rev-parse", "main~1")
    author.push("main")
    (found, other) = _git_history.read(fetched(), "-2", "HEAD")
    assert (found.sha, found.parents, found.subject) == (sha, (parent,), subject)
    assert other.sha == parent
    assert found.facts() == {"commit": sha, "subject": subject}
    assert found.describe() == f"{sha[:12]} {subject}"


def test_a_range_is_the_steps_of_the_branch_newest_first(author: Author, merged: str, fetched: Open) -> None:
    begin, steps = _git_history.of_range(fetched(), "HEAD~2..HEAD", merged, "main")
    assert begin == author.git("rev-parse", "main~2")
    assert [step.sha for step in steps] == [merged, author.git("rev-parse", "main~1")]
    assert steps[0].parents[1] == author.git("rev-parse", "side")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main", "malformed range"),
        ("main..", "malformed range"),
        ("main~1...main", "malformed range"),
        ("none..main", "no commit none"),
        ("main..main", "holds no commit"),
        ("main..main~1", "no ancestor"),
        ("ci-stable-1..other", "other is not on main"),
    ],
)
def test_a_range_that_is_none_is_refused(author: Author, fetched: Open, text: str, message: str) -> None:
    author.git("checkout", "--quiet", "-b", "other")
    author.commit("Other")
    author.push("other")
    remote = fetched()
    with pytest.raises(RollbackError, match=message):
        _git_history.of_range(remote, text, remote.resolve("main"), "main")


def test_a_state_that_the_branch_was_never_in_begins_no_range(merged: str, fetched: Open) -> None:
    with pytest.raises(RollbackError, match="came into main by a merge"):
        _git_history.of_range(fetched(), "side..main", merged, "main")


def test_named_commits_are_sorted_from_the_newest_and_must_be_on_the_branch(author: Author, fetched: Open) -> None:
    older, newer = author.git("rev-parse", "main~1"), author.git("rev-parse", "main")
    author.git("checkout", "--quiet", "-b", "other")
    author.commit("Other")
    author.push("other")
    remote = fetched()
    found = _git_history.of_names(remote, [older[:10], "main", older], newer, "main")
    assert [commit.sha for commit in found] == [newer, older]
    with pytest.raises(RollbackError, match="other is not on main"):
        _git_history.of_names(remote, ["main", "other"], newer, "main")
    with pytest.raises(RollbackError, match="commits is empty"):
        _git_history.of_names(remote, [], newer, "main")


def test_a_revert_that_was_reverted_does_not_count(author: Author, fetched: Open) -> None:
    first, second = author.git("rev-parse", "main~1"), author.git("rev-parse", "main")
    for sha in (second, first):
        author.git("revert", "--no-edit", sha)
    reverts = author.git("rev-parse", "HEAD")
    author.git("revert", "--no-edit", "HEAD")
    author.push("main")
    assert _git_history.undone(fetched(), "HEAD") == {second, reverts}


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ({"commit": "ci-stable-1"}, 0),
        ({"tag": "ci-stable-*", "trailer": None}, 1),
        ({"tag": "ci-stable-1"}, 0),
        ({"trailer": "CI-Stable: true"}, 2),
        ({"trailer": "ci-stable:true"}, 2),
        ({"trailer": "CI-Stable"}, 3),
        ({"trailer": "CI-Stable: no"}, 3),
        ({"message_regex": "^P3-00[78]: fin"}, 4),
    ],
    ids=str,
)
def test_the_newest_commit_that_is_marked_is_the_stable_one(
    author: Author, fetched: Open, to: dict[str, str | None], found: int
) -> None:
    commits = [author.git("rev-parse", "ci-stable-1"), author.commit("tagged")]
    author.git("tag", "-a", "-m", "well", "ci-stable-2")
    commits += [author.commit(f"trailer\n\nbody\n\nCI-Stable: {value}\nBy: x") for value in ("true", "no")]
    commits += [author.commit("fine\n\nP3-008: fine")]
    author.commit("not in the last paragraph\n\nCI-Stable: true\n\nit is not")
    author.push("main")
    remote = fetched()
    commit, found_by = _git_history.stable(remote, to, remote.resolve("HEAD"), "main")
    ((way, value),) = [(way, value) for way, value in to.items() if value]
    assert (commit.sha, found_by) == (commits[found], f"{way} {value}")


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ({"tag": "none-*"}, "no commit on main has the tag none-"),
        ({"trailer": "CI-Stable: true"}, "no commit on main has the trailer"),
        ({"message_regex": "Side one"}, "no commit on main has the message regex"),
        ({"tag": "ci-stable-side"}, "no commit on main has the tag"),
        ({"commit": "none"}, "no commit none"),
        ({"commit": "side"}, "came into main by a merge"),
        ({"commit": "other"}, "no ancestor"),
        ({"message_regex": "[a"}, "failed"),
        ({"trailer": "a),%B"}, "malformed trailer"),
        ({"tag": "", "commit": None}, "in no one way"),
        ({"tag": "a", "commit": "b"}, "in no one way"),
    ],
    ids=str,
)
def test_a_stable_commit_that_there_is_not_is_told(
    author: Author, merged: str, fetched: Open, to: dict[str, str | None], message: str
) -> None:
    author.git("checkout", "--quiet", "-b", "other")
    author.commit("Other")
    author.push("other")
    with pytest.raises(RollbackError, match=message):
        _git_history.stable(fetched(), to, merged, "main")


def test_an_earlier_rollback_to_the_same_state_is_where_the_next_one_ends(author: Author, fetched: Open) -> None:
    stable = author.git("rev-parse", "ci-stable-1")
    author.git("revert", "--no-edit", "main", "main~1")
    again = author.git("rev-parse", "HEAD")
    author.commit("worse", {"ci.yml": "worse\n"})
    author.push("main")
    remote = fetched()
    assert _git_history.latest_like(remote, _git_history.one(remote, stable), "HEAD") == again
    assert _git_history.latest_like(remote, _git_history.one(remote, again), "HEAD") == again


def test_a_range_may_be_taken_back_without_any_revert(author: Author, fetched: Open) -> None:
    older, newer = author.git("rev-parse", "main~2"), author.git("rev-parse", "main")
    remote = fetched()
    assert not _git_history.is_taken_back(remote, older, newer, newer)
    author.commit("by hand", {"ci.yml": "one\n", "Dockerfile.test": "one\n", "scripts/run.sh": None, "new": "1\n"})
    author.push("main")
    assert _git_history.is_taken_back(fetched(), older, newer, "HEAD")


@pytest.mark.parametrize("way", ["itself", "picked", "equal", "none"])
@pytest.mark.parametrize("reverted", [False, True])
def test_what_a_branch_has_is_seen_however_it_came_there(
    author: Author, fetched: Open, way: str, reverted: bool
) -> None:
    author.git("checkout", "--quiet", "-b", "fix")
    fix = author.commit("Fix", {"fix": "1\n"})
    author.git("checkout", "--quiet", "main")
    if way == "itself":
        author.git("merge", "--quiet", "--ff-only", "fix")
    elif way == "picked":
        author.commit(f"Fix, changed\n\n(cherry picked from commit {fix})", {"fix": "2\n"})
    elif way == "equal":
        author.commit("another message", {"fix": "1\n"})
        author.commit("later", {"fix": "3\n"})
    else:
        author.commit("another")
    if reverted:
        author.commit(f"Back\n\nThis reverts commit {author.git('rev-parse', 'HEAD~1' if way == 'equal' else 'HEAD')}.")
    author.push("main", "fix")
    remote = fetched()
    commit = _git_history.one(remote, fix)
    assert _git_history.has(remote, "HEAD", commit) is (way != "none" and not reverted)
