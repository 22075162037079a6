# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack whose project is a git checkout, and whose image is built from there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import engine, images
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_APP = Path(images.__file__).parent / "app"
#: Not in git, as on most hosts: the environment file and what the application writes.
_UNTRACKED = "data\nacked-sqlite\n.env\nkey\n"


def git(directory: Path, *arguments: str) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def begin(stack: Stack) -> None:
    """Make the project a checkout."""
    git(stack.src.parent, "init", "-q", str(stack.src))
    (stack.src / ".git/info/exclude").write_text(_UNTRACKED)


def commit(stack: Stack, version: str) -> str:
    """Commit and tag what is there as a version, and return the commit."""
    git(stack.src, "add", ".")
    git(stack.src, "commit", "-q", "-m", version)
    git(stack.src, "tag", version)
    return git(stack.src, "rev-parse", "HEAD")


def buildable(stack: Stack, service: dict[str, Any], **options: Any) -> None:
    """Let the checkout hold what the service's image is built from."""
    arguments = {"BASE": "${BASE}", "UNIQUE": "${UNIQUE}"}
    service["build"] = {"context": "./app", "network": "none", "args": arguments, **options}
    shutil.copytree(_APP, stack.src / "app", ignore=shutil.ignore_patterns("__pycache__"))


def release(stack: Stack, version: str, extra: str = "") -> None:
    """Commit and tag a version, build it from there, and bring it up, as a deployment from a checkout does.

    :param extra: further lines of its Dockerfile.
    """
    dockerfile = (_APP / "Dockerfile").read_text().replace("ARG VERSION\n", f"{extra}ARG VERSION={version}\n")
    stack.write("app/Dockerfile", dockerfile)
    stack.write(".env", f"BASE={images.BASE}\nUNIQUE={stack.name}-{version}\n")
    commit(stack, version)
    engine.docker("compose", *stack.source, "build", "-q", cwd=str(stack.src))
    stack.up()


def lose(image: str) -> None:
    """Take every name off an image, so that it is gone from this host."""
    engine.untag(engine.inspect("image", image)[0]["RepoTags"])
    assert engine.image_id(image) is None
