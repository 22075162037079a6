# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks on the real engine; each test removes what it made, and the session proves that nothing is left."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.images import Images
from ansible_collections.tiered.rollback.tests.support.stack import Stack

MakeStack = Callable[..., Stack]


def pytest_configure() -> None:
    """Let a run that is stopped remove what it made."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("stopped by SIGTERM", 143))


@pytest.fixture(scope="session")
def images() -> Iterator[Images]:
    """The application's images of this session."""
    made = Images(secrets.token_hex(4))
    yield made
    made.remove()
    assert not engine.tags(made.prefix)


@pytest.fixture(scope="module")
def make_stack(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStack]:
    """Make stacks; all are removed when the module's tests are over."""
    made: list[Stack] = []

    def make(**options: str) -> Stack:
        made.append(Stack(tmp_path_factory.mktemp("stack"), images, **options))
        return made[-1]

    yield make
    for stack in made:
        stack.down()
    left = [name for stack in made for name in [*engine.leftovers(stack.project), *stack.tags()]]
    assert not left
