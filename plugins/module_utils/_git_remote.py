# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remote's branches, through a temporary repository: nobody's clone, branch, index or stash is touched."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _command, _git_access
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: Options of the modules that change a branch of a remote; documented in the ``git`` fragment.
OPTIONS: dict[str, dict[str, Any]] = {
    "repository": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True},
    "author": {"type": "str", "default": "tiered.rollback <tiered.rollback@localhost>"},
    "expect": {"type": "str"},
}

_NETWORK_TIMEOUT = 600
_WORK_TIMEOUT = 300
_FETCH = ("--quiet", "--no-tags", "--filter=blob:none")
# Modes of what is absent, and of submodules.
_WITHOUT_CONTENTS = ("000000", "160000")
_AUTHOR = re.compile(r"([^<>\n]*[^<>\s]) <([^<>\s]+)>")
_SETTINGS = (
    # A hook may do anything, and what is read here must not depend on how the user likes it shown.
    ("core.hooksPath", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.quotePath", "false"),
    ("log.showSignature", "false"),
    ("submodule.recurse", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    # A server that says nothing for a minute is given up.
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    # Nothing is to run on in a directory that is about to go.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
_PROTECTED = (
    "The server protects the branch. Push to another one (git_revert: rollback_branch), and open a pull request."
)
_LOGIN = "The server takes no login but a valid one. Give a token that may read and write the contents."
#: What servers say, and what is to be done about it; the first that is found counts.
_HINTS = (
    ("`workflow`", "Give the token the permission to change workflow files (scope workflow) beside the contents."),
    ("remote rejected", _PROTECTED),
    ("Authentication failed", _LOGIN),
    ("could not read Username", _LOGIN),
    ("error: 403", "The token is known, but may not do this; it needs to read and write the contents."),
    ("not found", "Look at the URL; to whom may not see it a private repository is answered as not found, too."),
)


class Remote:
    """A remote whose branches and tags were fetched; every local branch is as it is there."""

    def __init__(self, directory: str, env: dict[str, str]) -> None:
        self.directory = directory
        self._env = env

    def git(self, *arguments: str, stdin: str = "", timeout: float = _WORK_TIMEOUT) -> str:
        """Run git in the temporary repository."""
        return _command.run(["git", *arguments], cwd=self.directory, stdin=stdin, timeout=timeout, env=self._env)

    def fetch(self, borrowed: Path | None) -> None:
        """Fetch every branch and tag; the contents of files come when they are needed.

        :param borrowed: objects that are on this machine already.
        """
        self.git("init", "--quiet", "--template=")
        if borrowed:
            (Path(self.directory) / ".git/objects/info/alternates").write_text(f"{borrowed}\n", encoding="utf-8")
        wanted = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        self._ask("fetch", *_FETCH, "--update-head-ok", "origin", *wanted)

    def fetch_contents(self, commits: Sequence[str]) -> None:
        """Fetch at once the files that commits changed, before and after; git by itself would ask for each commit."""
        if not commits:
            return
        arguments = ("--no-walk", "--diff-merges=first-parent", "--raw", "--no-abbrev", "--no-renames", "--format=")
        listed = self.git("log", *arguments, "--stdin", stdin="".join(f"{commit}\n" for commit in commits))
        objects = set()
        for change in (line[1:].split(" ") for line in listed.split("\n") if line.startswith(":")):
            old_mode, new_mode, old, new = change[:4]
            objects |= {entry for mode, entry in ((old_mode, old), (new_mode, new)) if mode not in _WITHOUT_CONTENTS}
        if objects:
            # Where this fails, git asks for each.
            with suppress(RollbackError):
                wanted = "".join(f"{entry}\n" for entry in sorted(objects))
                self._ask("fetch", *_FETCH, "--no-write-fetch-head", "origin", "--stdin", stdin=wanted)

    def begin(self, branch: str | None, expect: str | None) -> tuple[str, str]:
        """Return the branch that is meant and its commit, which ``HEAD`` now stands for.

        :param branch: None: the remote's default branch.
        :param expect: the commit it must be at, or the beginning of its hash.
        """
        branch = branch or self._default_branch()
        tip = self.tip(branch)
        if tip is None:
            known = self.git("for-each-ref", "--format=%(refname:lstrip=2)", "--count=10", "refs/heads").split()
            raise RollbackError(
                f"the remote has no branch {branch}", f"It has: {', '.join(known) or 'none, it is empty'}."
            )
        if expect and not (len(expect) >= 7 and tip.startswith(expect.lower())):
            raise _moved(branch, expect, tip)
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        return branch, tip

    def tip(self, branch: str) -> str | None:
        """Return the commit of a branch as it was fetched; None where there is no such branch."""
        try:
            self.git("check-ref-format", f"refs/heads/{branch}")
        except RollbackError as error:
            raise RollbackError(f"no branch can be called {branch!r}", "Give the name without refs/heads/.") from error
        return self._try("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")

    def resolve(self, name: str) -> str:
        """Return the commit that a hash, branch, tag or expression such as ``HEAD~5`` stands for."""
        found = None if name.startswith("-") else self._try("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found is None:
            raise RollbackError(
                f"the remote has no commit {name}", "Give a hash, a branch or a tag of the remote, or HEAD~1 and alike."
            )
        return found

    def contains(self, newer: str, older: str) -> bool:
        """Whether a commit is among the ancestors of another, or the same."""
        return self._try("merge-base", "--is-ancestor", older, newer) is not None

    def tree(self, commit: str) -> str:
        """Return the hash of everything that a commit holds."""
        return self.git("rev-parse", "--verify", f"{commit}^{{tree}}").strip()

    def push(self, commit: str, branch: str, seen: str | None) -> None:
        """Move a branch forward to a commit, unless it is no longer where it was seen.

        :param seen: the commit it was at; None: it was not there.
        """
        if seen and not self.contains(commit, seen):
            raise RollbackError(f"{commit} does not follow {seen}", "Nothing was pushed. Run the command again.")
        self._move(commit, branch, seen)

    def place(self, commit: str, branch: str) -> None:
        """Make a branch stand at a commit, whatever it was at, unless that has changed since it was fetched."""
        self._move(commit, branch, self.tip(branch))

    def _move(self, commit: str, branch: str, seen: str | None) -> None:
        reference = f"refs/heads/{branch}"
        # A lease without a commit means the one last fetched, whoever made it.
        lease = f"--force-with-lease={reference}:{seen or ''}"
        try:
            self._ask("push", "--quiet", lease, "origin", f"{commit}:{reference}")
        except RollbackError:
            # What is there now tells more than the answer does, which may have been lost on its way.
            now = self._now(reference)
            if now == commit:
                return
            if now != seen:
                raise _moved(branch, seen, now) from None
            raise

    def _default_branch(self) -> str:
        answer = self._ask("ls-remote", "--symref", "origin", "HEAD")
        found = re.match(r"ref: refs/heads/(\S+)\tHEAD\n", answer)
        if not found:
            raise RollbackError("the remote names no default branch", "Set branch.")
        return found[1]

    def _now(self, reference: str) -> str | None:
        return self._ask("ls-remote", "origin", reference).partition("\t")[0] or None

    def _ask(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that talks to the remote."""
        try:
            return self.git(*arguments, stdin=stdin, timeout=_NETWORK_TIMEOUT)
        except RollbackError as error:
            hint = next(
                (hint for said, hint in _HINTS if said in error.message),
                "Look at the URL and at the network.",
            )
            raise RollbackError(error.message, hint) from error

    def _try(self, *arguments: str) -> str | None:
        try:
            return self.git(*arguments).strip()
        except RollbackError:
            return None


@contextmanager
def opened(repository: str, token: str | None, author: str, masked: set[str]) -> Iterator[Remote]:
    """Fetch a remote into a temporary repository, which is removed afterwards.

    :param repository: URL of the remote, or the path of a clone whose ``origin`` it is.
    :param masked: gets every value that must not be shown.
    """
    match = _AUTHOR.fullmatch(author)
    if not match:
        raise RollbackError(f"malformed author: {author!r}", "Write it as 'Name <address>'.")
    access, borrowed = _git_access.find(repository, token)
    masked.update(_git_access.secrets(access))
    # Neither a command line nor a file of the repository has any of it.
    env = {"GIT_CONFIG_COUNT": str(len(access) + len(_SETTINGS)), "GIT_LITERAL_PATHSPECS": "1"}
    for number, (name, value) in enumerate((*access, *_SETTINGS)):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    if token:
        env["GIT_ASKPASS"] = ""
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": match[1], f"GIT_{who}_EMAIL": match[2]}
    with tempfile.TemporaryDirectory(prefix="tiered-rollback-git-", ignore_cleanup_errors=True) as directory:
        remote = Remote(directory, env)
        remote.fetch(borrowed)
        yield remote


def _moved(branch: str, seen: str | None, now: str | None) -> RollbackError:
    was, is_now = (commit[:12] if commit else "absent" for commit in (seen, now))
    return RollbackError(
        f"somebody pushed: {branch} is {is_now}, and not {was} any more",
        "Nothing was overwritten. Look at what was pushed, then run the command again: it begins from there.",
    )
