# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a repository through git and a temporary repository: what :class:`ApiTree` does, for any number of files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from ansible_collections.tiered.rollback.plugins.module_utils import _git_remote
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_tree import (
    FILE,
    KINDS,
    ApiTree,
    Change,
    Entry,
    Head,
)

_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitTree:
    """The files of a repository whose branches and tags were fetched.

    :param github: where a branch's protection and pull requests are looked up, which git does not know.
    """

    def __init__(self, remote: Remote, github: GitHub) -> None:
        self._remote = remote
        self._api = ApiTree(github)

    def head(self, name: str) -> Head:
        """Return where a branch is."""
        _branch, tip = self._remote.begin(name, None)
        return Head(branch=name, commit=tip, tree=self._remote.tree(tip), protected=self._api.head(name).protected)

    def entries(self, tree: str) -> dict[str, Entry]:
        """Return the files and submodules of a tree, or of a branch, tag or commit, by their path."""
        name = tree if _OBJECT.fullmatch(tree) else self._remote.resolve(tree)
        listed = self._remote.git("ls-tree", "-r", "-z", name).split("\0")
        found = {}
        for line in filter(None, listed):
            facts, _tab, path = line.partition("\t")
            mode, kind, blob = facts.split()
            if kind in KINDS:
                found[path] = Entry(mode=mode, blob=blob)
        return found

    def had(self, path: str, name: str) -> bool:
        """Whether a branch has had a file at any time."""
        return bool(self._remote.git("rev-list", "--max-count=1", f"refs/heads/{name}", "--", path))

    def read(self, blobs: Collection[str], proposal: str) -> tuple[dict[str, bytes], str | None]:
        """Return what blobs hold, and the page of the open pull request of a branch, if there is one."""
        contents = {blob: self._remote.git("cat-file", "blob", blob).encode() for blob in blobs}
        return contents, self._api.read((), proposal)[1]

    def commit(self, on: Head, changes: Mapping[str, Change], modes: Mapping[str, str], message: str) -> str:
        """Make one commit on top of a branch's head, and return it."""
        self._remote.git("read-tree", on.tree)
        for path, new in changes.items():
            if new is None:
                self._remote.git("update-index", "--force-remove", "--", path)
                continue
            mode, blob = (new.mode, new.blob) if isinstance(new, Entry) else (modes.get(path, FILE), self._write(new))
            self._remote.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
        tree = self._remote.git("write-tree").strip()
        return self._remote.git("commit-tree", tree, "-p", on.commit, "-F", "-", stdin=message).strip()

    def advance(self, on: Head, to: str) -> None:
        """Move a branch on to a commit made on top of its head; a push in between is never overwritten."""
        self._remote.push(to, on.branch, on.commit)

    def place(self, name: str, to: str) -> None:
        """Make a branch stand at a commit, whether there is one of that name or not."""
        self._remote.place(to, name)

    def _write(self, content: bytes) -> str:
        return self._remote.git("hash-object", "-w", "--stdin", stdin=content.decode()).strip()


@contextmanager
def opened(github: GitHub, masked: set[str]) -> Iterator[GitTree]:
    """Fetch a repository into a temporary one, which is removed afterwards.

    :param masked: gets every value that must not be shown.
    """
    author = _git_remote.OPTIONS["author"]["default"]
    url = github.api.clone_url
    token = github.api.token if url.startswith("http") else None
    with _git_remote.opened(url, token, author, masked) as remote:
        yield GitTree(remote, github)
