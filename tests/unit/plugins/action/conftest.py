# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest


@pytest.fixture
def make() -> Callable[..., Any]:
    """Make an action of a class with a task's arguments; *execute* stands for the module's run on the target."""

    def made(kind: Any, args: dict[str, Any], execute: Callable[..., dict[str, Any]]) -> Any:
        action = kind(
            task=MagicMock(async_val=0, check_mode=False, args=args),
            connection=MagicMock(transport="local"),
            play_context=MagicMock(check_mode=False),
            loader=MagicMock(),
            templar=MagicMock(),
            shared_loader_obj=MagicMock(),
        )
        action._execute_module = execute
        return action

    return made
