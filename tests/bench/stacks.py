# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks that are measured, and the state that every repetition begins with."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ansible_collections.tiered.rollback.tests.bench.procedures import VERSION
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import Images
from ansible_collections.tiered.rollback.tests.support.stack import Stack

NEW = "v1.0.0"
Compose = Callable[[Stack], None]


def published(stack: Stack) -> None:
    """Write one HTTP service on a published port."""
    stack.compose({"api": stack.published()})


class Bench:
    """Stacks below a directory of their own; all that was made is removed when the block is left."""

    def __enter__(self) -> Bench:
        self._images = Images(f"bench-{secrets.token_hex(4)}")
        self.directory = Path(tempfile.mkdtemp(prefix="tiered-bench-"))
        self._stacks: list[Stack] = []
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for stack in self._stacks:
            stack.down()
        self._images.remove()
        shutil.rmtree(self.directory)

    def make(self) -> Stack:
        """Return a stack that is still empty."""
        self._stacks.append(Stack(self.directory / str(len(self._stacks)), self._images))
        return self._stacks[-1]

    def stack(self, compose: Compose) -> Stack:
        """Deploy VERSION, capture its restore point, and return the stack."""
        stack = self.make()
        compose(stack)
        for version in (VERSION, NEW):
            stack.tag(f"api:{version}", version)
        stack.deploy(VERSION)
        stack.capture(VERSION)
        return stack


def put_back(stack: Stack) -> None:
    """Deploy NEW from scratch, so that every repetition begins with the same."""
    for container in engine.docker("ps", "-aq", "--filter", f"name=^{stack.project}-made-before$").split():
        engine.docker("rm", "-f", container)
    stack.tag("api:production", NEW)
    stack.up("--force-recreate", "--remove-orphans")
