# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("running", "health", "good", "words"),
    [
        (True, "healthy", True, "running, healthy"),
        (True, None, True, "running, without a health check"),
        (True, "starting", False, "running, starting"),
        (True, "unhealthy", False, "running, unhealthy"),
        (False, "healthy", False, "not running (exit code 3)"),
        (False, None, False, "not running (exit code 3)"),
    ],
)
def test_a_container_is_good_when_it_runs_and_does_not_say_otherwise(
    build: Any, running: bool, health: str | None, good: bool, words: str
) -> None:
    container = replace(build.container("api"), running=running, health=health, exit_code=3)
    assert (container.good, container.state) == (good, words)
