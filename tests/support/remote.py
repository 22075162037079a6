# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare repositories, as the far end of a checkout has them, and commits that somebody else pushes there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.tiered.rollback.tests.support.checkout import git


def make(bare: Path, files: Mapping[str, str], branch: str = "main") -> Path:
    """A bare repository of one commit with these files."""
    git(bare.parent, "init", "-q", "--bare", f"--initial-branch={branch}", str(bare))
    commit(bare, files, "first", branch)
    return bare


def commit(bare: Path, files: Mapping[str, str | None], message: str, branch: str = "main") -> str:
    """Push one commit that writes files, or deletes those that are None, and return it; a new branch begins at HEAD."""
    work = bare.with_name(f"{bare.name}.work")
    try:
        git(bare.parent, "clone", "-q", str(bare), str(work))
        git(work, "checkout", "-q", "-B", branch, *([f"origin/{branch}"] if branch in branches(bare) else []))
        for name, text in files.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-q", "--allow-empty", "-m", message)
        git(work, "push", "-q", "origin", branch)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return git(bare, "rev-parse", f"refs/heads/{branch}")


def branches(bare: Path) -> dict[str, str]:
    """The branches and their commits."""
    lines = git(bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def text(bare: Path, name: str, ref: str = "main") -> str:
    """What a file of a commit holds."""
    return git(bare, "show", f"{ref}:{name}")
