# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _logs


def _engine(text: str) -> Any:
    return SimpleNamespace(log_tail=lambda _container, _lines: text)


def test_lines_that_speak_of_errors_are_counted_and_the_last_shown(build: Any) -> None:
    text = "\n".join(["started", *(f"ERROR number {n}" for n in range(5)), "no terror here", "Traceback (most recent"])
    (found,) = _logs.assess(_engine(text), [build.container()], [])
    assert (found["name"], found["lines"], found["errors"]) == ("shop-web-1", 8, 6)
    assert found["last"] == ["ERROR number 3", "ERROR number 4", "Traceback (most recent"]


def test_known_secrets_are_masked_and_long_lines_cut(build: Any) -> None:
    (found,) = _logs.assess(_engine("error: password hunter2 " + "x" * 1000), [build.container()], ["hunter2"])
    assert found["last"][0].startswith("error: password *** x")
    assert len(found["last"][0]) == 300


def test_a_container_that_said_nothing_has_no_errors(build: Any) -> None:
    assert _logs.assess(_engine(""), [build.container()], []) == [
        {"name": "shop-web-1", "lines": 0, "errors": 0, "last": []}
    ]


def test_lines_of_errors_are_told_from_others() -> None:
    assert _logs.of_errors(["fatal: x", "no terror", "Exception in y"]) == ["fatal: x", "Exception in y"]
