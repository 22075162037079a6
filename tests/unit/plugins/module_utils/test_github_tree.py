# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _github_tree
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import ApiTree
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.github import BROKEN, STABLE


def test_the_branch_is_the_described_one_or_the_default(ci: Any) -> None:
    assert _github_tree.branch(ci.client(branch="feature/x")) == "feature/x"
    assert not ci.github.exchanges
    assert _github_tree.branch(ci.client()) == "main"


def test_a_head_says_whether_it_is_protected(ci: Any) -> None:
    tree = ApiTree(ci.client())
    head = tree.head("main")
    assert (head.commit, head.protected) == (ci.project.commits[BROKEN], False)
    ci.repository.protect("main")
    assert tree.head("main").protected is True


def test_files_of_a_tag_are_listed_with_their_blobs(ci: Any) -> None:
    entries = ApiTree(ci.client()).entries(STABLE)
    assert sorted(entries) == [f"{github.WORKFLOWS}/{name}.yml" for name in ("ci-fast", "ci", "test-full")]
    blob = github.git(ci.project.bare, "rev-parse", f"{STABLE}:{github.WORKFLOWS}/ci.yml")
    assert entries[f"{github.WORKFLOWS}/ci.yml"].blob == blob


def test_texts_come_by_one_request_and_bytes_by_another(ci: Any) -> None:
    (ci.project.clone / "logo").write_bytes(bytes(range(256)))
    ci.project.push({"text": "ä\n"}, "files")
    tree = ApiTree(ci.client())
    entries = tree.entries("main")
    before = len(ci.github.exchanges)
    held, pull = tree.read([entries[name].blob for name in ("logo", "text", "Dockerfile.test")], "none")
    assert (held[entries["text"].blob], held[entries["logo"].blob]) == ("ä\n".encode(), bytes(range(256)))
    assert (pull, len(ci.github.exchanges) - before) == (None, 2)


def test_a_file_is_read_at_a_ref(ci: Any) -> None:
    path = f"{github.WORKFLOWS}/ci.yml"
    assert (_github_tree.file(ci.client(), path, STABLE) or b"").decode() == ci.project.show(path, STABLE)
    assert _github_tree.file(ci.client(), "nothing", STABLE) is None


def test_a_branch_that_moved_is_not_moved_again(ci: Any) -> None:
    tree = ApiTree(ci.client())
    head = tree.head("main")
    made = tree.commit(head, {"a": b"a"}, {}, "mine")
    theirs = ci.project.push({"b": "b"}, "theirs")
    with pytest.raises(RollbackError, match="somebody pushed to main meanwhile"):
        tree.advance(head, made)
    assert ci.project.head() == theirs


def test_moving_on_is_repeated_when_the_answer_got_lost(ci: Any) -> None:
    tree = ApiTree(ci.client())
    head = tree.head("main")
    made = tree.commit(head, {"a": b"a"}, {}, "mine")
    ci.github.fail("PATCH", r"/repos/.*", status=502, times=1, before=False)
    tree.advance(head, made)
    assert ci.project.head() == made


def test_a_branch_is_placed_whether_it_is_there_or_not(ci: Any) -> None:
    tree = ApiTree(ci.client())
    for version in (STABLE, BROKEN):
        tree.place("rollback", ci.project.commits[version])
        assert ci.project.head("rollback") == ci.project.commits[version]
    tree.place("rollback", ci.project.commits[STABLE])
    assert ci.project.head("rollback") == ci.project.commits[STABLE]
