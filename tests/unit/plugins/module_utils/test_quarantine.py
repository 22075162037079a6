# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _quarantine


def _line(run: str, kind: str = "rollback", old: str = "v1.1.0", new: str = "v1.0.0", **more: Any) -> dict[str, Any]:
    ended = "2026-11-20T10:00:05.000+00:00"
    found = {"run": run, "kind": kind, "from_version": old, "to_version": new, "outcome": "succeeded", "ended": ended}
    return {**found, "reason": "not stated", "before": f"before-{run}", "target": f"{new}-point", **more}


def _undo(run: str, of: str, old: str = "v1.0.0", new: str = "v1.1.0") -> dict[str, Any]:
    return _line(run, "undo", old, new, target=f"before-{of}")


def _names(*lines: dict[str, Any]) -> list[str]:
    return list(_quarantine.held(lines))


def test_a_version_that_was_rolled_back_from_is_held_with_when_by_whom_and_why() -> None:
    found = _quarantine.held([_line("r1", reason="errors")])["v1.1.0"]
    assert (found.since, found.run, found.reason) == ("2026-11-20T10:00:05.000+00:00", "r1", "errors")


def test_a_release_frees_it_and_another_rollback_holds_it_again() -> None:
    released = {"run": "q1", "kind": "quarantine", "release": "v1.1.0", "outcome": "succeeded"}
    assert _names(_line("r1"), released) == []
    assert _names(_line("r1"), {**released, "release": "v9"}) == ["v1.1.0"]
    assert _names(_line("r1"), released, _line("r2")) == ["v1.1.0"]


def test_undoing_the_rollback_lifts_it_and_undoing_that_holds_it_again() -> None:
    lines = [_line("r1"), _undo("u1", "r1")]
    assert _names(*lines) == []
    assert _names(*lines, _undo("u2", "u1", "v1.1.0", "v1.0.0")) == ["v1.1.0"]


def test_a_deployment_that_is_undone_was_left() -> None:
    deployed = _line("d1", "deploy", "v1.0.0", "v1.1.0", touched=True)
    assert _names(deployed) == []
    undone = _undo("u1", "d1", "v1.1.0", "v1.0.0")
    assert _names(deployed, undone) == ["v1.1.0"]
    assert _names(deployed, undone, _undo("u2", "u1")) == []


@pytest.mark.parametrize(
    ("outcome", "touched", "held"),
    [("reverted", True, ["v1.1.0"]), ("failed", True, ["v1.1.0"]), ("reverted", False, []), ("refused", False, [])],
)
def test_a_deployment_that_failed_holds_its_version_once_it_has_touched_anything(
    outcome: str, touched: bool, held: list[str]
) -> None:
    assert _names(_line("d1", "deploy", "v1.0.0", "v1.1.0", outcome=outcome, touched=touched)) == held


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(_line("r1", outcome="reverted"), id="the rollback failed"),
        pytest.param(_line("r1", scope=["api"], new="v1.1.0+api"), id="only a part went back"),
        pytest.param(_line("r1", scope=[], new="v1.1.0+data"), id="only MCP data went back"),
        pytest.param(_line("r1", "ci"), id="CI"),
        pytest.param(_line("r1", "migration"), id="a migration"),
        pytest.param(_line("r1", forward=True), id="a later version"),
        pytest.param(_line("r1", new="v1.1.0"), id="to itself"),
        pytest.param(_line("r1", old="unknown"), id="nobody knows what ran"),
        pytest.param(_line("u1", "undo", target="before-killed"), id="a killed run was undone"),
    ],
)
def test_it_says_nothing_of_a_version_that(line: dict[str, Any]) -> None:
    assert _names(line) == []


def test_a_version_of_which_a_part_went_back_is_held_by_its_own_name() -> None:
    part = _line("p1", old="v1.1.0", new="v1.1.0+api", scope=["api"])
    again = _line("p2", old="v1.1.0+api", new="v1.1.0+api_web", scope=["web"])
    assert _names(part, again, _line("r1", old="v1.1.0+api_web")) == ["v1.1.0"]


def test_a_refusal_says_how_it_is_released_and_what_else_there_is() -> None:
    error = _quarantine.refusal(_quarantine.held([_line("r1")])["v1.1.0"], ["v1.0.0", "v1.0.0", "v0.9.0"])
    assert "v1.1.0 is quarantined since 2026-11-20T10:00:05: run r1" in error.message
    assert "quarantine.yml -e release=v1.1.0" in error.hint
    assert "v1.0.0, v0.9.0" in error.hint
    assert "none" in _quarantine.refusal(_quarantine.held([_line("r1")])["v1.1.0"], []).hint


def test_the_line_of_a_release_has_what_every_line_has(build: Any) -> None:
    held = _quarantine.held([_line("r1")])["v1.1.0"]
    line = _quarantine.line(build.run(), "shop", held, "2026-11-20T10:00:09.000+00:00")
    assert (line["kind"], line["release"], line["duration"]) == ("quarantine", "v1.1.0", 9.0)
    assert _names(_line("r1"), line) == []
