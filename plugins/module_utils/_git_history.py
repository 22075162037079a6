# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on a branch: which commits it is made of, which of them are undone, which was stable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote

#: The ways to say which commit was stable; documented in :mod:`git_revert`.
STABLE_SPEC: dict[str, dict[str, Any]] = {
    name: {"type": "str"} for name in ("commit", "tag", "trailer", "message_regex")
}

_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{40,64})\b", re.MULTILINE)
_TRAILER = re.compile(r"([A-Za-z0-9-]+)(?::\s*(.*?)\s*)?")


@dataclass(frozen=True)
class Commit:
    """A commit; the first of its parents is what the branch was before."""

    sha: str
    parents: tuple[str, ...]
    subject: str

    def describe(self) -> str:
        """Name it for a person."""
        return f"{self.sha[:12]} {self.subject}"

    def facts(self) -> dict[str, str]:
        """Return what a module tells of it."""
        return {"commit": self.sha, "subject": self.subject}


def read(remote: Remote, *revisions: str) -> list[Commit]:
    """Return commits as ``git log`` finds them, newest first."""
    lines = remote.git("log", "--topo-order", "--format=%H%x09%P%x09%s", *revisions, "--").split("\n")
    parts = [line.split("\t", 2) for line in lines if line]
    return [Commit(sha, tuple(parents.split()), subject) for sha, parents, subject in parts]


def one(remote: Remote, name: str) -> Commit:
    """Return the commit that a name stands for."""
    return read(remote, "-1", remote.resolve(name))[0]


def line(remote: Remote, older: str, newer: str, branch: str) -> list[Commit]:
    """Return the steps that a branch took from one commit to another, newest first.

    A merge is one step. A commit that came in by it was never what the branch was.
    """
    steps = read(remote, "--first-parent", f"{older}..{newer}")
    if older != newer and not (steps and steps[-1].parents[:1] == (older,)):
        if not remote.contains(newer, older):
            raise RollbackError(
                f"{older[:12]} is no ancestor of {newer[:12]} on {branch}", "Give the older commit first."
            )
        raise RollbackError(
            f"{older[:12]} came into {branch} by a merge, so the branch was never in its state",
            "Name the merge, or a commit that was made on the branch itself.",
        )
    return steps


def undone(remote: Remote, tip: str) -> set[str]:
    """Return the commits that a later one reverted, but for those whose revert was reverted itself."""
    arguments = ("--topo-order", "--fixed-strings", "--grep=This reverts commit ", "-z", "--format=%H%n%B", tip)
    found: set[str] = set()
    for entry in remote.git("log", *arguments, "--").split("\0"):
        sha, _separator, body = entry.partition("\n")
        # The newest comes first, so whatever has undone a revert is known before the revert is.
        if sha not in found:
            found.update(_REVERTS.findall(body))
    return found


def of_range(remote: Remote, text: str, tip: str, branch: str) -> tuple[str, list[Commit]]:
    """Return where a range ``A..B`` begins, and its steps, newest first."""
    older, separator, newer = text.partition("..")
    if not (older and separator and newer) or newer.startswith("."):
        raise RollbackError(f"malformed range: {text!r}", "Write it as A..B; A itself is not reverted.")
    begin, end = remote.resolve(older), remote.resolve(newer)
    if not remote.contains(tip, end):
        raise RollbackError(f"{newer} is not on {branch}", f"Name commits that {branch} holds, or its own branch.")
    steps = line(remote, begin, end, branch)
    if not steps:
        raise RollbackError(f"the range {text} holds no commit", "A itself is not a part of A..B.")
    return begin, steps


def of_names(remote: Remote, names: Sequence[str], tip: str, branch: str) -> list[Commit]:
    """Return the named commits, newest first."""
    if not names:
        raise RollbackError("commits is empty", "Name at least one commit.")
    wanted = {remote.resolve(name): name for name in names}
    there = [sha for sha in remote.git("rev-list", "--topo-order", tip).split() if sha in wanted]
    absent = [name for sha, name in wanted.items() if sha not in there]
    if absent:
        raise RollbackError(f"{', '.join(absent)} is not on {branch}", f"Name commits that {branch} holds.")
    return [one(remote, sha) for sha in there]


def stable(remote: Remote, to: Mapping[str, str | None], tip: str, branch: str) -> tuple[Commit, str]:
    """Return the newest commit of a branch that is marked as stable, and by what it is."""
    given = [(way, value) for way, value in to.items() if value]
    if len(given) != 1:
        raise RollbackError("to says in no one way which commit is stable", f"Set one of {', '.join(STABLE_SPEC)}.")
    ((way, value),) = given
    searches = {"commit": _by_name, "tag": _by_tag, "trailer": _by_trailer, "message_regex": _by_message}
    sha = searches[way](remote, value, tip)
    if sha is None:
        raise RollbackError(
            f"no commit on {branch} has the {way.replace('_', ' ')} {value}",
            "A commit that came in by a merge does not count. Mark the stable one, or name it: to={commit: HASH}.",
        )
    commit = one(remote, sha)
    line(remote, sha, tip, branch)
    return commit, f"{way} {value}"


def latest_like(remote: Remote, commit: Commit, tip: str) -> str:
    """Return the newest commit of a branch that holds exactly what an earlier one does, such as its last rollback."""
    tree = remote.tree(commit.sha)
    for entry in remote.git("log", "--first-parent", "--format=%T %H", f"{commit.sha}..{tip}", "--").split("\n"):
        if entry.startswith(tree):
            return entry.partition(" ")[2]
    return commit.sha


def is_taken_back(remote: Remote, older: str, newer: str, tip: str) -> bool:
    """Whether every file that a range changed is as it was before, by whatever commits that came about."""
    files = [file for file in remote.git("diff", "--name-only", "--no-renames", "-z", older, newer).split("\0") if file]
    return not files or not remote.git("diff", "--name-only", older, tip, "--", *files)


def has(remote: Remote, tip: str, commit: Commit) -> bool:
    """Whether a branch has what a commit does: itself, picked, or as an equal patch; reverted ones do not count."""
    mark = f"--grep=(cherry picked from commit {commit.sha})"
    found = set(remote.git("log", "--fixed-strings", mark, "--format=%H", tip, "--").split())
    if remote.contains(tip, commit.sha):
        found.add(commit.sha)
    sides = ("--left-only", "--cherry-mark", f"{tip}...{commit.sha}", "--not", *commit.parents, "--")
    found |= {entry[1:] for entry in remote.git("rev-list", *sides).split() if entry.startswith("=")}
    return bool(found - undone(remote, tip))


def _by_name(remote: Remote, value: str, _tip: str) -> str | None:
    return remote.resolve(value)


def _by_tag(remote: Remote, value: str, tip: str) -> str | None:
    try:
        tag = remote.git("describe", "--tags", "--first-parent", "--abbrev=0", f"--match={value}", tip).strip()
    except RollbackError:
        return None
    return remote.resolve(f"refs/tags/{tag}")


def _by_trailer(remote: Remote, value: str, tip: str) -> str | None:
    match = _TRAILER.fullmatch(value)
    if not match:
        raise RollbackError(f"malformed trailer: {value!r}", "Write it as 'Key: value', or the key alone.")
    fields = f"%H%x09%(trailers:key={match[1]},valueonly,unfold,separator=%x09)"
    for entry in remote.git("log", "--first-parent", f"--format={fields}", tip, "--").split("\n"):
        sha, *values = entry.split("\t")
        if any(values) and (match[2] is None or match[2] in values):
            return sha
    return None


def _by_message(remote: Remote, value: str, tip: str) -> str | None:
    arguments = ("-1", "--first-parent", "--extended-regexp", f"--grep={value}", "--format=%H", tip, "--")
    return remote.git("log", *arguments).strip() or None
