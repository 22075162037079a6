# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New commits on top of a remote's branch, made in its temporary repository, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git_history import Commit
from ansible_collections.tiered.rollback.plugins.module_utils._git_remote import Remote

_SHOWN = 60_000


def place(remote: Remote, commit: str) -> None:
    """Check a commit out, whatever was done to the work tree before."""
    remote.git("checkout", "--quiet", "--force", "--detach", commit)
    remote.git("clean", "-ffdxq")


def revert(remote: Remote, commit: Commit, note: str) -> bool:
    """Revert a commit; False where that changes nothing."""
    _apply(remote, "revert", commit, "--no-commit")
    merge = f", reversing\nchanges made to {commit.parents[0]}" if len(commit.parents) > 1 else ""
    return _commit(remote, f'Revert "{commit.subject}"', f"This reverts commit {commit.sha}{merge}.", note)


def pick(remote: Remote, commit: Commit) -> bool:
    """Take a commit over, with its author and message; False where that changes nothing."""
    before = head(remote)
    _apply(remote, "cherry-pick", commit, "-x")
    return head(remote) != before


def restore(remote: Remote, commit: Commit, paths: Sequence[str], note: str) -> bool:
    """Make paths as they are in a commit; False where they are so already."""
    if not paths:
        raise RollbackError("paths is empty", "Name at least one, or leave paths away to revert everything after it.")
    checked = [_names.relative_path(path, "paths") for path in paths]
    present = []
    for path in checked:
        if any(remote.git("ls-tree", "--name-only", tree, "--", path) for tree in (commit.sha, "HEAD")):
            present.append(path)
        elif not remote.git("rev-list", "--max-count=1", f"{commit.sha}..HEAD", "--", path):
            raise RollbackError(
                f"{path} is neither on the branch nor in {commit.sha[:12]}", "Paths begin at the top of the repository."
            )
    if present:
        remote.git("restore", f"--source={commit.sha}", "--staged", "--worktree", "--", *present)
    many = checked[0] if len(checked) == 1 else f"{len(checked)} paths"
    body = "".join(f"{path}\n" for path in checked)
    return _commit(remote, f"Bring {many} back to {commit.sha[:12]}", f'As of "{commit.subject}":\n\n{body}', note)


def head(remote: Remote) -> str:
    """Return the commit that is checked out."""
    return remote.resolve("HEAD")


def told(remote: Remote, before: str, after: str) -> dict[str, Any]:
    """Return which files differ between two commits, and how; of a long difference its beginning."""
    files = remote.git("diff", "--name-only", "--no-renames", "-z", before, after).split("\0")
    patch = remote.git("diff", "--no-color", "--no-ext-diff", "--no-textconv", before, after)
    if len(patch) > _SHOWN:
        patch = f"{patch[:_SHOWN].rpartition(chr(10))[0]}\n... and {len(patch) - _SHOWN} more characters\n"
    return {"files": [file for file in files if file], "diff": {"prepared": patch}}


def undo(branch: str, before: str, after: str | None) -> dict[str, str] | None:
    """Return the options of git_revert that take a push back."""
    return {"branch": branch, "range": f"{before}..{after}"} if after else None


def _apply(remote: Remote, command: str, commit: Commit, option: str) -> None:
    """Let git apply a commit; what it calls a failure may also mean that there was nothing left to apply."""
    mainline = ["--mainline=1"] if len(commit.parents) > 1 else []
    try:
        remote.git(command, option, *mainline, commit.sha)
    except RollbackError as error:
        files = [file for file in remote.git("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if file]
        if files:
            raise RollbackError(
                f"{command} of {commit.describe()} conflicts in {', '.join(files)}",
                "Nothing of it was pushed. Name all commits that belong together, or bring files back (to, paths).",
                conflicts=files,
            ) from error
        if remote.git("status", "--porcelain", "--untracked-files=no"):
            raise


def _commit(remote: Remote, *paragraphs: str) -> bool:
    """Commit what is staged; False where nothing is."""
    if remote.git("write-tree").strip() == remote.tree("HEAD"):
        return False
    message = "\n\n".join(part.strip() for part in paragraphs if part.strip())
    remote.git("commit", "--quiet", "--cleanup=whitespace", "--file=-", stdin=f"{message}\n")
    return True
