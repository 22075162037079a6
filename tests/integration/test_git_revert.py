# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits on a branch of a remote are undone, and where that cannot be nothing moves; over HTTP, as a task."""

from __future__ import annotations

import base64
import signal
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import processes, task
from ansible_collections.tiered.rollback.tests.support.checkout import git
from ansible_collections.tiered.rollback.tests.support.git_http import PROTECTED, Author, GitServer, refs

STABLE = {"tag": "ci-stable-*"}


class World:
    """The server, somebody who works with it, and the module as a task."""

    def __init__(self, server: GitServer, author: Author, tmp_path: Path) -> None:
        self.server, self.author, self.tmp_path = server, author, tmp_path
        self.host = task.Host(tmp_path / "home")

    def options(self, **options: Any) -> dict[str, Any]:
        return {"repository": self.server.url(), "token": self.server.token, **options}

    def revert(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the task; nothing of the temporary repository is left."""
        found = task.call(self.host, self.tmp_path, "git_revert", "-vvv", *arguments, **self.options(**options))
        assert not self.leftovers()
        return found

    def refs(self) -> str:
        return refs(self.server.root / "shop.git")

    def at(self, name: str) -> str:
        return git(self.server.root / "shop.git", "rev-parse", name)

    def stable(self) -> bool:
        """Whether ``main`` holds what the stable commit did."""
        return self.at("main^{tree}") == self.at("ci-stable-1^{tree}")

    def leftovers(self) -> list[Path]:
        return list((self.host.home / "tmp").glob("tiered-rollback-git-*"))


@pytest.fixture
def world(git_server: GitServer, author: Author, tmp_path: Path) -> World:
    return World(git_server, author, tmp_path)


def test_everything_since_the_stable_commit_goes_and_comes_back(world: World) -> None:
    tip, before = world.at("main"), world.refs()

    foretold = world.revert("--check", "--diff", to=STABLE)
    assert world.refs() == before
    done = world.revert("--diff", to=STABLE)

    same = ("changed", "branch", "before", "pushed_to", "reverted", "files", "stable", "actions", "diff")
    assert {key: foretold[key] for key in same} == {key: done[key] for key in same}
    assert "-three" in done["diff"]["prepared"]
    assert world.stable()
    assert world.at("main~2") == tip
    assert world.revert(to=STABLE)["changed"] is False

    world.revert(**done["undo"])
    assert world.at("main^{tree}") == world.at(f"{tip}^{{tree}}")


@pytest.mark.parametrize(
    "to", [{"trailer": "CI-Stable: true"}, {"message_regex": "^Stable, says"}], ids=["trailer", "message"]
)
def test_paths_alone_go_back_onto_a_rollback_branch(world: World, to: dict[str, str]) -> None:
    marked = world.author.commit("Stable, says CI\n\nCI-Stable: true", {"ci.yml": "four\n"})
    world.author.commit("Bad", {"ci.yml": "five\n", "README": "five\n"})
    world.author.push("main")
    tip, name = world.at("main"), "rollback-p3-007-20261121"

    done = world.revert(to=to, paths=["ci.yml"], rollback_branch=name, reason="Ticket 7")

    assert (world.at("main"), world.at(f"{name}~1")) == (tip, tip)
    assert done["stable"]["commit"] == marked
    assert done["files"] == ["ci.yml"]
    assert git(world.server.root / "shop.git", "show", f"{name}:ci.yml") == "four"
    assert world.revert(to=to, paths=["ci.yml"], rollback_branch=name)["changed"] is False


def test_a_merge_is_one_step(world: World) -> None:
    world.author.git("checkout", "--quiet", "-b", "side", "main~1")
    world.author.commit("Side one", {"side": "one\n"})
    world.author.commit("Side two", {"side": "two\n"})
    world.author.git("checkout", "--quiet", "main")
    world.author.merge("side")
    world.author.push("main", "side")

    done = world.revert(range="ci-stable-1..main")

    assert [entry["subject"] for entry in done["reverted"]] == ["Merge branch side", "P3-007: cache", "P3-007: unify"]
    assert world.stable()


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"commits": ["main~1"]}, "P3-007: unify conflicts in ci.yml", "bring files back"),
        ({"to": STABLE, "expect": "0" * 40}, "somebody pushed: main is", "Nothing was overwritten"),
        ({"to": STABLE, "token": "hunter2-wrong"}, "could not read Username", "Give a token"),
        ({"to": STABLE, "token": None}, "could not read Username", "Give a token"),
        ({"range": "ci-stable-1..other"}, "other is not on main", "Name commits"),
        ({"to": {"tag": "none-*"}}, "no commit on main has the tag none-*", "Mark the stable one"),
        ({"to": {"message_regex": "never said"}}, "no commit on main has the message regex", "Mark the stable one"),
        ({"to": STABLE, "branch": "none"}, "the remote has no branch none", "It has: main"),
        ({"to": STABLE, "paths": ["none.yml"]}, "none.yml is neither on the branch nor in", "top of the repository"),
        ({"to": STABLE, "range": "a..b"}, "mutually exclusive", ""),
        ({"range": "a..b", "paths": ["ci.yml"]}, "missing parameter(s) required by 'paths'", ""),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_done_moves_nothing(world: World, options: dict[str, Any], message: str, hint: str) -> None:
    world.author.git("checkout", "--quiet", "-b", "other")
    world.author.commit("Other")
    world.author.push("other")
    before = world.refs()

    refused = world.revert(**options)

    assert refused["failed"]
    assert message in refused["msg"]
    assert hint in refused.get("hint", "")
    assert world.refs() == before


@pytest.mark.parametrize("when", ["service=git-receive-pack", "POST /shop.git/git-receive-pack"], ids=["asked", "sent"])
def test_a_push_between_is_not_overwritten(world: World, when: str) -> None:
    world.author.git("checkout", "--quiet", "-b", "theirs")
    theirs = world.author.commit("theirs", {"ci.yml": "theirs\n"})
    bare = f"file://{world.server.root}/shop.git"
    world.server.before.append((when, lambda: world.author.git("push", "--quiet", bare, "theirs:main")))

    refused = world.revert(to=STABLE)

    assert f"somebody pushed: main is {theirs[:12]}" in refused["msg"]
    assert world.at("main") == theirs
    assert world.revert(to=STABLE)["changed"]
    assert world.stable()


def test_a_protected_branch_is_told_and_a_rollback_branch_works(world: World) -> None:
    world.server.protect()
    before = world.refs()
    refused = world.revert(to=STABLE)
    assert PROTECTED.format(branch="main") in refused["msg"]
    assert "rollback_branch" in refused["hint"]
    assert world.refs() == before
    assert world.revert(to=STABLE, rollback_branch="rollback")["pushed_to"] == "rollback"


def test_the_token_is_shown_nowhere(world: World) -> None:
    basic = base64.b64encode(f"x-access-token:{world.server.token}".encode()).decode()
    play, result = task.write(world.tmp_path, "git_revert", **world.options(to=STABLE))
    outcome = world.host.run(str(play), "-vvvv", "--diff").ok()
    assert outcome.recap["changed"] == 2
    for text in (outcome.output, result.read_text()):
        assert world.server.token not in text
        assert basic not in text


def test_a_persons_clone_is_left_exactly_as_it_is(world: World) -> None:
    mine = world.author
    mine.git("stash", "list")
    (mine.directory / "README").write_text("stashed\n")
    mine.git("stash", "--quiet")
    mine.git("checkout", "--quiet", "-b", "mine", "main~1")
    (mine.directory / "ci.yml").write_text("not committed\n")
    (mine.directory / "new").write_text("staged\n")
    mine.git("add", "new")
    (mine.directory / "untracked").write_text("untracked\n")
    for name in ("pre-push", "pre-commit", "commit-msg", "post-checkout", "reference-transaction"):
        hook = mine.directory / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {world.tmp_path}/ran\nexit 1\n")
        hook.chmod(0o755)
    before = mine.state()

    done = world.revert(repository=str(mine.directory), token=None, branch="main", to=STABLE)
    conflict = world.revert(repository=str(mine.directory), token=None, branch="main", commits=[done["before"] + "~1"])

    assert done["changed"]
    assert world.stable()
    assert conflict["changed"] is False
    assert mine.state() == before
    assert not (world.tmp_path / "ran").exists()


@pytest.mark.parametrize(("moment", "moved"), [("asked", False), ("answered", True)])
def test_killed_while_pushing_the_remote_is_old_or_new(world: World, moment: str, moved: bool) -> None:
    before = world.refs()
    play, _result = task.write(world.tmp_path, "git_revert", **world.options(to=STABLE))
    if moved:
        world.server.after.append(("POST /shop.git/git-receive-pack", lambda: processes.kill_tree(run.pid)))
    else:
        world.server.before.append(("service=git-receive-pack", lambda: processes.kill_tree(run.pid)))
    run = world.host.start(str(play))
    run.communicate(timeout=60)

    assert run.returncode == -signal.SIGKILL
    assert (world.stable(), world.refs() == before) == (moved, not moved)
    left = world.leftovers()
    assert len(left) == 1
    done = task.call(world.host, world.tmp_path, "git_revert", **world.options(to=STABLE))
    assert done["changed"] is not moved
    assert world.stable()
    assert world.leftovers() == left
