# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits come back one by one onto a fix branch, as far as they are valid; over HTTP, as a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import processes, task
from ansible_collections.tiered.rollback.tests.support.checkout import git
from ansible_collections.tiered.rollback.tests.support.git_http import PROTECTED, Author, GitServer, refs


class World:
    """A ``main`` that was rolled back (its commits are the tags ``one`` and ``two``), and the module as a task."""

    def __init__(self, server: GitServer, author: Author, tmp_path: Path) -> None:
        author.git("tag", "one", "main~1")
        author.git("tag", "two", "main")
        author.git("revert", "--no-edit", "main", "main~1")
        author.push("main")
        self.server, self.author, self.tmp_path = server, author, tmp_path
        self.host = task.Host(tmp_path / "home")

    def options(self, **options: Any) -> dict[str, Any]:
        repository = {"repository": self.server.url(), "token": self.server.token}
        return {**repository, "branch": "fix", "commits": ["one", "two"], **options}

    def pick(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the task; nothing of the temporary repository is left."""
        found = task.call(self.host, self.tmp_path, "git_cherry_pick", "-vvv", *arguments, **self.options(**options))
        assert not list((self.host.home / "tmp").glob("tiered-rollback-git-*"))
        return found

    def refs(self) -> str:
        return refs(self.server.root / "shop.git")

    def at(self, name: str) -> str:
        return git(self.server.root / "shop.git", "rev-parse", name)


@pytest.fixture
def world(git_server: GitServer, author: Author, tmp_path: Path) -> World:
    return World(git_server, author, tmp_path)


def test_what_was_rolled_back_comes_back_validated_step_by_step(world: World) -> None:
    before, validate = world.refs(), [["grep", "-q", "t", "ci.yml"], ["test", "-e", "scripts/run.sh"]]

    foretold = world.pick("--check", "--diff", validate=validate)
    assert world.refs() == before
    done = world.pick("--diff", validate=validate)

    same = ("changed", "branch", "before", "pushed_to", "picked", "skipped", "files", "actions", "diff")
    assert {key: foretold[key] for key in same} == {key: done[key] for key in same}
    assert world.at("fix^{tree}") == world.at("two^{tree}")
    assert world.at("fix~2") == world.at("main")
    assert "(cherry picked from commit" in git(world.server.root / "shop.git", "log", "-1", "fix")
    again = world.pick(validate=validate)
    assert (again["changed"], len(again["skipped"])) == (False, 2)


def test_the_first_that_is_not_valid_ends_it_and_those_before_stay(world: World) -> None:
    refused = world.pick(validate=[["grep", "-q", "two", "ci.yml"], ["sh", "-c", "echo all; echo good"]])
    assert "P3-007: cache is not valid there: grep -q two failed (1)" in refused["msg"]
    assert "1 were taken and stay" in refused["msg"]
    assert [entry["subject"] for entry in refused["picked"]] == ["P3-007: unify"]
    assert world.at("fix^{tree}") == world.at("one^{tree}")
    assert [entry["subject"] for entry in world.pick()["picked"]] == ["P3-007: cache"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"commits": ["two"]}, "P3-007: cache conflicts in ci.yml"),
        ({"commits": ["one", "none"]}, "the remote has no commit none"),
        ({"token": "hunter2-wrong"}, "could not read Username"),
        ({"base": "none"}, "the remote has no branch none"),
        ({"branch": "guarded"}, PROTECTED.format(branch="guarded")),
        ({"branch": "main", "expect": "0" * 40}, "somebody pushed: main is"),
        ({"validate": [["sh", "-c", "echo the last line >&2; exit 3"]]}, "failed (3): the last line"),
    ],
    ids=["conflict", "unknown", "token", "base", "protected", "lease", "validation"],
)
def test_what_cannot_be_done_moves_nothing(world: World, options: dict[str, Any], message: str) -> None:
    world.server.protect("guarded")
    before = world.refs()
    refused = world.pick(**options)
    assert refused["failed"]
    assert message in refused["msg"]
    assert refused["hint"]
    assert world.refs() == before


def test_a_persons_clone_is_left_exactly_as_it_is(world: World) -> None:
    (world.author.directory / "ci.yml").write_text("not committed\n")
    before = world.author.state()
    assert world.pick(repository=str(world.author.directory), token=None)["changed"]
    assert world.author.state() == before
    assert world.at("fix^{tree}") == world.at("two^{tree}")


def test_killed_between_two_pushes_it_goes_on_where_it_was(world: World) -> None:
    play, _result = task.write(world.tmp_path, "git_cherry_pick", **world.options())
    world.server.after.append(("POST /shop.git/git-receive-pack", lambda: processes.kill_tree(run.pid)))
    run = world.host.start(str(play))
    run.communicate(timeout=60)
    assert world.at("fix^{tree}") == world.at("one^{tree}")

    done = task.call(world.host, world.tmp_path, "git_cherry_pick", **world.options())

    assert [entry["subject"] for entry in done["picked"]] == ["P3-007: cache"]
    assert world.at("fix^{tree}") == world.at("two^{tree}")
