# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import tempfile
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _git_remote
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote
from ansible_collections.tiered.rollback.tests.support.git_http import PROTECTED, TOKEN, Author, GitServer, refs

AUTHOR = "Olga <olga@example.org>"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def opened(repository: object, token: str | None = None, masked: set[str] | None = None) -> Any:
    return _git_remote.opened(str(repository), token, AUTHOR, set() if masked is None else masked)


@pytest.fixture
def remote(git_server: GitServer, author: Author) -> AbstractContextManager[Remote]:
    """The server's repository, by URL and token."""
    context: AbstractContextManager[Remote] = opened(git_server.url(), TOKEN)
    return context


def commit(remote: Remote) -> str:
    """Make an empty commit on the branch that was begun with."""
    remote.git("checkout", "--quiet", "--detach", "HEAD")
    remote.git("commit", "--quiet", "--allow-empty", "--message=mine")
    return remote.resolve("HEAD")


def test_branches_and_tags_are_at_hand_and_the_default_branch_is_found(remote: Any, author: Author) -> None:
    with remote as found:
        assert found.begin(None, None) == ("main", author.git("rev-parse", "main"))
        assert found.resolve("HEAD~2") == found.resolve("ci-stable-1") == author.git("rev-parse", "ci-stable-1")
        assert found.tip("other") is None
        assert found.contains("main", "ci-stable-1")
        assert not found.contains("ci-stable-1", "main")


def test_the_temporary_repository_is_gone_afterwards_also_after_a_failure(
    remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    seen: list[tuple[Path, int]] = []

    def fail(found: Remote) -> None:
        seen.append((Path(found.directory).parent, Path(found.directory).stat().st_mode & 0o077))
        found.resolve("nothing")

    with pytest.raises(RollbackError, match="no commit nothing"), remote as found:
        fail(found)
    assert seen == [(tmp_path / "temporary", 0)]
    assert not list((tmp_path / "temporary").iterdir())


def test_a_repository_that_is_not_there_is_told(git_server: GitServer) -> None:
    with pytest.raises(RollbackError, match="not found") as caught, opened(git_server.url("none.git"), TOKEN):
        pass
    assert "URL" in caught.value.hint


def test_an_empty_remote_has_no_branch(git_server: GitServer) -> None:
    with opened(git_server.url(), TOKEN) as found:
        with pytest.raises(RollbackError, match="names no default branch"):
            found.begin(None, None)
        with pytest.raises(RollbackError, match="no branch main") as caught:
            found.begin("main", None)
    assert "it is empty" in caught.value.hint


@pytest.mark.parametrize("name", ["a b", "x..y", "x:y", "refs*", "../x"])
def test_what_no_branch_can_be_called_is_refused(remote: Any, name: str) -> None:
    with remote as found, pytest.raises(RollbackError, match="no branch can be called"):
        found.tip(name)


def test_a_name_is_never_taken_for_an_option(remote: Any) -> None:
    with remote as found, pytest.raises(RollbackError, match="no commit --all"):
        found.resolve("--all")


def test_the_branch_must_be_at_the_expected_commit(remote: Any, author: Author) -> None:
    tip = author.git("rev-parse", "main")
    with remote as found:
        assert found.begin("main", tip[:7].upper())[1] == tip
        for expected in (author.git("rev-parse", "main~1"), tip[:6]):
            with pytest.raises(RollbackError, match="somebody pushed: main is"):
                found.begin("main", expected)


def test_a_push_moves_the_branch_and_carries_the_author(remote: Any, author: Author) -> None:
    with remote as found:
        tip = found.begin("main", None)[1]
        made = commit(found)
        found.push(made, "main", tip)
    author.git("fetch", "--quiet")
    assert author.git("rev-parse", "origin/main") == made
    assert author.git("show", "-s", "--format=%an <%ae> %cn <%ce>", made) == f"{AUTHOR} {AUTHOR}"


@pytest.mark.parametrize("when", ["info/refs?service=git-receive-pack", "POST /shop.git/git-receive-pack"])
def test_a_push_by_somebody_else_meanwhile_is_not_overwritten(
    remote: Any, git_server: GitServer, author: Author, when: str
) -> None:
    theirs = author.commit("theirs")
    bare = git_server.root / "shop.git"
    author.push("HEAD:refs/heads/kept")

    def meanwhile() -> None:
        (bare / "refs/heads/main").write_text(f"{theirs}\n")

    with remote as found:
        tip = found.begin("main", None)[1]
        made = commit(found)
        git_server.before.append((when, meanwhile))
        with pytest.raises(RollbackError, match="somebody pushed: main is") as caught:
            found.push(made, "main", tip)
    assert not git_server.before
    assert "Nothing was overwritten" in caught.value.hint
    assert f"refs/heads/main {theirs}" in refs(bare)


def test_a_branch_that_was_taken_back_meanwhile_is_not_pushed_again(
    remote: Any, git_server: GitServer, author: Author
) -> None:
    bare, older = git_server.root / "shop.git", author.git("rev-parse", "main~1")
    with remote as found:
        tip = found.begin("main", None)[1]
        made = commit(found)
        (bare / "refs/heads/main").write_text(f"{older}\n")
        with pytest.raises(RollbackError, match="somebody pushed"):
            found.push(made, "main", tip)
    assert f"refs/heads/main {older}" in refs(bare)


def test_a_new_branch_is_not_put_in_place_of_one_that_came_up_meanwhile(
    remote: Any, git_server: GitServer, author: Author
) -> None:
    with remote as found:
        found.begin("main", None)
        made = commit(found)
        author.push("HEAD:refs/heads/other")
        with pytest.raises(RollbackError, match="somebody pushed: other is"):
            found.push(made, "other", None)
    assert f"refs/heads/other {author.git('rev-parse', 'main')}" in refs(git_server.root / "shop.git")


def test_what_does_not_follow_is_not_pushed(remote: Any, git_server: GitServer, author: Author) -> None:
    before = refs(git_server.root / "shop.git")
    with remote as found:
        tip = found.begin("main", None)[1]
        with pytest.raises(RollbackError, match="does not follow"):
            found.push(found.resolve("main~1"), "main", tip)
    assert refs(git_server.root / "shop.git") == before


def test_a_push_whose_answer_is_lost_counts_as_done(remote: Any, git_server: GitServer, author: Author) -> None:
    def lose() -> None:
        raise ConnectionResetError

    git_server.after.append(("POST /shop.git/git-receive-pack", lose))
    with remote as found:
        tip = found.begin("main", None)[1]
        made = commit(found)
        found.push(made, "main", tip)
    assert not git_server.after
    assert f"refs/heads/main {made}" in refs(git_server.root / "shop.git")


def test_a_protected_branch_is_told_with_what_to_do(remote: Any, git_server: GitServer) -> None:
    git_server.protect()
    with remote as found:
        tip = found.begin("main", None)[1]
        made = commit(found)
        with pytest.raises(RollbackError, match=PROTECTED.format(branch="main")) as caught:
            found.push(made, "main", tip)
    assert "rollback_branch" in caught.value.hint


def test_a_hook_of_the_user_is_not_run(remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "commit-msg"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n hooksPath = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with remote as found:
        tip = found.begin("main", None)[1]
        found.push(commit(found), "main", tip)


def test_a_server_that_stops_to_speak_is_given_up(
    git_server: GitServer, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = dict(_git_remote._SETTINGS)
    assert patient["http.lowSpeedTime"] == "60"
    monkeypatch.setattr(_git_remote, "_SETTINGS", tuple((patient | {"http.lowSpeedTime": "1"}).items()))
    silence = threading.Event()
    git_server.before.append(("git-upload-pack", lambda: silence.wait(30)))
    with pytest.raises(RollbackError, match="too slow") as caught, opened(git_server.url(), TOKEN):
        pass
    silence.set()
    assert "network" in caught.value.hint


def test_an_author_has_a_name_and_an_address() -> None:
    with (
        pytest.raises(RollbackError, match="malformed author"),
        _git_remote.opened("https://x/y", None, "Olga", set()),
    ):
        pass


@pytest.mark.parametrize("allowed", [True, False])
def test_contents_of_many_commits_come_in_one_request_where_they_are_not_there_yet(
    remote: Any, git_server: GitServer, author: Author, allowed: bool
) -> None:
    for number in range(3):
        author.commit(f"more {number}", {"README": f"{number}\n", f"new {number}": "x\n"})
    author.push("main")
    author.git("-C", str(git_server.root / "shop.git"), "config", "uploadpack.allowFilter", str(allowed).lower())
    with remote as found:
        found.begin("main", None)
        found.fetch_contents([found.resolve(f"HEAD~{number}") for number in range(5)])
        git_server.requests.clear()
        found.git("log", "--patch", "-5")
        assert not git_server.requests


def test_without_contents_in_advance_all_works_as_well(remote: Any, git_server: GitServer, author: Author) -> None:
    with remote as found:
        found.begin("main", None)
        git_server.token = "another"
        found.fetch_contents([found.resolve("HEAD")])
        git_server.token = TOKEN
        found.git("log", "--patch", "-1")


def test_what_changes_no_contents_asks_for_none(remote: Any, git_server: GitServer, author: Author) -> None:
    author.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},submodule")
    author.git("commit", "--quiet", "--message=A submodule")
    author.git("push", "--quiet", "origin", "main")
    with remote as found:
        found.begin("main", None)
        git_server.requests.clear()
        found.fetch_contents([])
        found.fetch_contents([found.resolve("HEAD")])
        assert not git_server.requests
