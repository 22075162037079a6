# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout a stack is deployed from, through the git command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ansible_collections.tiered.rollback.plugins.module_utils import _command
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_FETCH_TIMEOUT = 20
_CHECKOUT_TIMEOUT = 300
_ACCESS = r"^(remote\.origin\.(url|pushurl)$|http\.|credential\.|url\.|core\.sshcommand$)"


class Checkout:
    """A work tree; *directory* may be below its top."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def commit(self) -> str | None:
        """Return the commit that is checked out, or None where there is no checkout (or no git)."""
        return self._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    def tag(self) -> str | None:
        """Return the tag that names the checked-out commit, or None."""
        return self._try("describe", "--tags", "--exact-match", "HEAD")

    def tracked(self, paths: Sequence[str]) -> list[str]:
        """Those of the paths that git tracks."""
        return [path for path in self._git("ls-files", "-z", "--", *paths).split("\0") if path] if paths else []

    def differs(self, paths: Sequence[str]) -> bool:
        """Whether any of the paths differs from the commit."""
        return bool(paths) and bool(self._git("status", "--porcelain", "--untracked-files=no", "--", *paths).strip())

    def fetch_tags(self) -> str | None:
        """Fetch tags; return what went wrong instead of failing, since the commit may be at hand all the same."""
        try:
            self._git("fetch", "--tags", "--quiet", timeout=_FETCH_TIMEOUT)
        except RollbackError as error:
            return error.message
        return None

    def has(self, commit: str) -> bool:
        """Whether a commit is at hand."""
        return self._try("cat-file", "-e", f"{commit}^{{commit}}") is not None

    def tagged(self, version: str) -> str | None:
        """Return the commit that a tag names, or None."""
        return self._try("rev-parse", "--verify", "--quiet", f"refs/tags/{version}^{{commit}}")

    def revision(self) -> str | None:
        """Return the commit that is checked out, marked where tracked files differ from it; None without a checkout."""
        found = self.commit()
        return f"{found}-dirty" if found and self.differs(["."]) else found

    def changed_to(self, commit: str) -> list[str]:
        """Return the paths below the directory whose contents here and in a commit differ."""
        return [
            path for path in self._git("diff", "--name-only", "--relative", "-z", commit, "--", ".").split("\0") if path
        ]

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file as a commit has it, by its path relative to the directory; None where it has none."""
        name = f"{commit}:./{path}"
        if self._try("cat-file", "-e", name) is None:
            return None
        return _command.read([*self._prefix(), "cat-file", "blob", name])

    def place(self) -> tuple[PurePosixPath, PurePosixPath]:
        """Return the top of the work tree, and the directory relative to it."""
        top, prefix = self._git("rev-parse", "--show-toplevel", "--show-prefix").split("\n")[:2]
        return PurePosixPath(top), PurePosixPath(prefix)

    def access(self) -> list[tuple[str, str]]:
        """Settings of this clone alone that say where its ``origin`` is and how one gets in; they may be secrets."""
        listed = self._try("config", "--local", "--includes", "--null", "--get-regexp", _ACCESS) or ""
        pairs = [entry.partition("\n") for entry in listed.split("\0") if entry]
        return [(name, value) for name, _separator, value in pairs]

    def objects(self) -> Path | None:
        """Where the objects are; None for a shallow clone, which lacks some that its commits name."""
        asked = ("--path-format=absolute", "--is-shallow-repository", "--git-path", "objects")
        shallow, _separator, path = self._git("rev-parse", *asked).rstrip("\n").partition("\n")
        return None if shallow == "true" else Path(path)

    def add_worktree(self, path: Path, commit: str) -> None:
        """Check a commit out into a directory of its own, with the modes that a deployment's checkout has."""
        # A hook may do anything, such as deploying what is checked out.
        arguments = ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", str(path), commit]
        self._git(*arguments, timeout=_CHECKOUT_TIMEOUT, umask=0o022)

    def forget_worktrees(self) -> None:
        """Forget the work trees whose directories are gone."""
        self._git("worktree", "prune")

    def keep_local_changes(self, name: str) -> str | None:
        """Record uncommitted changes of tracked files under ``refs/tiered-rollback/``; None if there are none."""
        made = self._git("stash", "create", f"tiered.rollback {name}").strip()
        if not made:
            return None
        reference = f"refs/tiered-rollback/{name}"
        self._git("update-ref", reference, made)
        return reference

    def stage_version(self, commit: str, paths: Sequence[str]) -> None:
        """Make the index name a commit's version of the paths, as ``git checkout COMMIT -- PATHS`` does."""
        if paths:
            self._git("reset", "--quiet", commit, "--", *paths)

    def _try(self, *arguments: str) -> str | None:
        try:
            return self._git(*arguments).strip()
        except RollbackError:
            return None

    def _git(self, *arguments: str, timeout: float = 30, umask: int = -1) -> str:
        return _command.run([*self._prefix(), *arguments], timeout=timeout, umask=umask)

    def _prefix(self) -> list[str]:
        # A deployment's checkout often belongs to another user than root.
        identity = ["-c", "user.name=tiered.rollback", "-c", "user.email=tiered.rollback@localhost"]
        return ["git", "-c", "safe.directory=*", *identity, "-C", self._directory]
