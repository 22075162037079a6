# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _git_tree
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import ApiTree, Entry
from ansible_collections.tiered.rollback.tests.support.github import BROKEN, STABLE, TOKEN


def test_both_ways_tell_the_same_of_a_repository(ci: Any) -> None:
    client = ci.client(clone_url=ci.project.bare.as_uri())
    api = ApiTree(client)
    with _git_tree.opened(client, set()) as tree:
        assert tree.head("main") == api.head("main")
        for name in ("main", STABLE, ci.project.commits[BROKEN]):
            assert tree.entries(name) == api.entries(name)
        blobs = [entry.blob for entry in tree.entries("main").values()]
        assert tree.read(blobs, "none") == api.read(blobs, "none")


def test_both_ways_make_the_same_tree(ci: Any) -> None:
    client = ci.client(clone_url=ci.project.bare.as_uri())
    api = ApiTree(client)
    head = api.head("main")
    known = api.entries("main")
    changes = {"Dockerfile.test": None, "new/file": b"new\n", "again": known[".github/workflows/ci.yml"]}
    made = api.commit(head, changes, {}, "by the API")
    api.advance(head, made)
    with _git_tree.opened(client, set()) as tree:
        other = tree.commit(head, changes, {}, "by git")
        assert tree.entries(other) == tree.entries(made)
        assert isinstance(tree.entries(other)["new/file"], Entry)


def test_a_name_that_stands_for_nothing_is_told(ci: Any) -> None:
    with _git_tree.opened(ci.client(clone_url=ci.project.bare.as_uri()), set()) as tree:
        with pytest.raises(RollbackError, match="no branch nowhere"):
            tree.head("nowhere")
        with pytest.raises(RollbackError, match="no commit nowhere"):
            tree.entries("nowhere")


def test_the_token_is_masked_and_only_sent_over_http(ci: Any) -> None:
    masked: set[str] = set()
    with _git_tree.opened(ci.client(clone_url=ci.project.bare.as_uri()), masked):
        assert masked == set()
    with (
        pytest.raises(RollbackError, match="git") as caught,
        _git_tree.opened(ci.client(clone_url="http://127.0.0.1:9/acme/shop.git"), masked),
    ):
        pass
    assert masked
    assert TOKEN not in str(caught.value)
