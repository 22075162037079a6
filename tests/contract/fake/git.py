# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare repository behind a fake repository, by git's own commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Record and field separators that no commit message holds.
_FIELD, _RECORD = "\x1f", "\x1e"
_COMMIT = _FIELD.join(["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"]) + _RECORD
NOTHING = "0" * 40


class GitError(Exception):
    """A git command that failed, with what it said."""


@dataclass(frozen=True)
class Person:
    """Who wrote or committed, and when."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit as git has it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """An entry of a tree."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True)
class Change:
    """A file that differs between two commits."""

    status: str
    path: str
    sha: str
    additions: int
    deletions: int


class Git:
    """Reads and writes objects and refs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._commits: dict[str, Commit] = {}
        self._blobs: dict[str, bytes] = {}
        self._found: dict[tuple[str, str, str], str | None] = {}

    def run(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """What a git command wrote."""
        command = ["git", f"--git-dir={self._directory}", *arguments]
        done = subprocess.run(command, input=data, capture_output=True, env={**os.environ, **(env or {})}, check=False)
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def text(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """What a git command wrote, as one trimmed text."""
        return self.run(*arguments, data=data, env=env).decode(errors="surrogateescape").strip()

    def resolve(self, name: str, kind: str = "commit") -> str | None:
        """The object that a name means, if there is one of that kind."""
        try:
            return self.text("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{{kind}}}")
        except GitError:
            return None

    def object(self, name: str) -> str | None:
        """The object of any kind that a name means."""
        try:
            return self.text("rev-parse", "--verify", "-q", "--end-of-options", name)
        except GitError:
            return None

    def at(self, commit: str, path: str, kind: str) -> str | None:
        """The object of that kind at a path of a commit, given by its whole name; each is looked for once."""
        key = (commit, path, kind)
        if key not in self._found:
            sha = self.object(f"{commit}:{path}")
            self._found[key] = sha if sha and self.kind(sha) == kind else None
        return self._found[key]

    def branch_or_tag(self, name: str) -> tuple[str, str] | None:
        """The full name and commit of a branch or tag given in short or in full."""
        for full in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            sha = self.resolve(full) if full.startswith("refs/") else None
            if sha:
                return full, sha
        return None

    def ref(self, name: str) -> str | None:
        """What a ref, given in full, points to."""
        try:
            return self.text("show-ref", "--verify", "--hash", "--", name)
        except GitError:
            return None

    def merge_base(self, one: str, other: str) -> str | None:
        """The last commit that both histories share."""
        try:
            return self.text("merge-base", one, other)
        except GitError:
            return None

    def empty_tree(self) -> str:
        """A tree of nothing."""
        return self.text("mktree", data=b"")

    def kind(self, sha: str) -> str | None:
        """The type of an object."""
        try:
            return self.text("cat-file", "-t", sha)
        except GitError:
            return None

    def blob(self, sha: str) -> bytes:
        """What a blob holds; each is read once, as commits are."""
        if sha not in self._blobs:
            self._blobs[sha] = self.run("cat-file", "blob", sha)
        return self._blobs[sha]

    def add_blob(self, data: bytes) -> str:
        """Write a blob."""
        return self.text("hash-object", "-w", "--stdin", data=data)

    def tree(self, name: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """The entries of a tree, or of a folder of it."""
        options = ["-r", "-t"] if recursive else []
        output = self.run("ls-tree", "-z", "-l", "--full-tree", *options, f"{name}:{path}" if path else name)
        found = []
        for line in output.decode(errors="surrogateescape").split("\0")[:-1]:
            head, entry_path = line.split("\t", 1)
            mode, kind, sha, size = head.split()
            found.append(Entry(mode, kind, sha, None if size == "-" else int(size), entry_path))
        return found

    def add_tree(self, base: str | None, changes: Sequence[tuple[str, str, str | None]], index: Path) -> str:
        """Write a tree: a base with (mode, path, object) put in, or taken out where the object is None."""
        env = {"GIT_INDEX_FILE": str(index)}
        entries = [f"{mode} {sha}\t{path}" if sha else f"0 {NOTHING}\t{path}" for mode, path, sha in changes]
        try:
            self.run("read-tree", *([base] if base else ["--empty"]), env=env)
            self.run(
                "update-index", "-z", "--replace", "--index-info", data="\0".join([*entries, ""]).encode(), env=env
            )
            return self.text("write-tree", env=env)
        finally:
            index.unlink(missing_ok=True)

    def add_commit(self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person) -> str:
        """Write a commit."""
        env: dict[str, str] = {}
        for role, person in (("AUTHOR", author), ("COMMITTER", committer)):
            env |= {f"GIT_{role}_NAME": person.name, f"GIT_{role}_EMAIL": person.email, f"GIT_{role}_DATE": person.date}
        options = [option for parent in parents for option in ("-p", parent)]
        return self.text("commit-tree", tree, *options, "-F", "-", data=message.encode(), env=env)

    def commits(self, *revisions: str) -> list[Commit]:
        """Commits as git log lists them."""
        output = self.run("log", f"--format={_COMMIT}", *revisions).decode(errors="replace")
        return [_commit(record) for record in output.split(_RECORD) if record.strip()]

    def commit(self, sha: str) -> Commit:
        """One commit; each is read once, for it never changes."""
        if sha not in self._commits:
            self._commits[sha] = self.commits("-1", sha)[0]
        return self._commits[sha]

    def changes(self, old: str, new: str) -> list[Change]:
        """Files that differ; without rename detection, so that each is one of A, M, D."""
        compare = ("diff-tree", "-r", "--no-renames", "--abbrev=40")
        counts = {}
        for line in self.text(*compare, "--numstat", old, new).splitlines():
            *numbers, path = line.split("\t")
            counts[path] = [0 if number == "-" else int(number) for number in numbers]
        found = []
        for line in self.text(*compare, "--raw", old, new).splitlines():
            head, path = line.split("\t")
            _old_mode, _mode, old_sha, sha, status = head.split()
            added, removed = counts[path]
            found.append(Change(status, path, old_sha if status == "D" else sha, added, removed))
        return found

    def set_ref(self, name: str, sha: str, old: str) -> None:
        """Make, move or (to NOTHING) delete a ref that is at the old commit still."""
        self.run("update-ref", name, sha, old)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether going from one commit to the other is a fast-forward."""
        try:
            self.run("merge-base", "--is-ancestor", old, new)
        except GitError:
            return False
        return True


def _commit(record: str) -> Commit:
    sha, tree, parents, *people, message = record.lstrip("\n").split(_FIELD)
    author, committer = Person(*people[:3]), Person(*people[3:])
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))
