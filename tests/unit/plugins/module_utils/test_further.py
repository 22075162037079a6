# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_kinds, _further
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind
from ansible_collections.tiered.rollback.plugins.module_utils._check_kinds import Prepared
from ansible_collections.tiered.rollback.plugins.module_utils._further import Further


def _further_of(*checks: Prepared) -> Further:
    return Further(prepared=checks, subject=lambda _now, until: SimpleNamespace(deadline=until))


def _check(*answers: bool, kind: str = "command", **values: Any) -> Prepared:
    left = list(answers)

    def look(*_: Any) -> Found:
        return Found(ok=left.pop(0) if len(left) > 1 else left[0], expected="this", found="that")

    return Prepared(name="it", kind=Kind(key=kind, spec={}, look=look, refuse=lambda *_: None), values=values)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_further, "_POLL", 0.01)


def test_what_fails_is_looked_at_again_until_it_holds(build: Any) -> None:
    further = _further_of(_check(True), _check(False, False, True))
    results = further.wait(build.observed(), time.monotonic() + 30, None)
    assert [(each.ok, each.found) for each in results] == [(True, "that"), (True, "that")]


def test_at_the_deadline_what_fails_says_what_was_wanted(build: Any) -> None:
    (result,) = _further_of(_check(False)).wait(build.observed(), time.monotonic() + 0.05, None)
    assert (result.ok, result.found) == (False, "that, wanted this")


def test_however_late_it_is_each_is_looked_at_once(build: Any) -> None:
    (result,) = _further_of(_check(True)).wait(build.observed(), time.monotonic() - 9, None)
    assert result.ok


def test_of_a_part_only_what_names_it_has_to_hold(build: Any) -> None:
    checks = [
        _check(True, service="api"),
        _check(False, service="web"),
        _check(True, kind="container", container="api"),
        _check(False, kind="sql", sql="SELECT 1"),
        _check(True, kind="mcp", mcp="health"),
    ]
    deadline = time.monotonic()
    assert len(_further_of(*checks).wait(build.observed(), deadline, ["api"])) == 2
    assert len(_further_of(*checks).wait(build.observed(), deadline, ["api"], mcp=True)) == 3
    assert _further_of(*checks).wait(build.observed(), deadline, []) == []


def test_checks_are_read_beforehand_and_a_wrong_one_is_only_told(deployment: Any) -> None:
    deployment.raw["checks"] = [
        {"container": "api", "restarts": "many"},
        {"command": ["true"], "service": "api"},
        {"steps": [{"url": "http://x"}], "variables": {"password": "hunter2"}},
        {"leaks": True},
        {"alerts": ["critical"]},
    ]
    ctx = deployment.context()
    further = _further.prepare(ctx)
    assert further is not None
    assert [check.kind.key for check in further.prepared] == ["command", "steps"]
    (warning,) = ctx.module.warnings
    assert "rollback_stack.checks[0]" in warning
    assert "hunter2" in ctx.module.no_log_values


def test_a_stack_that_has_only_http_checks_prepares_nothing(deployment: Any) -> None:
    deployment.raw["checks"] = [{"targets": "all"}]
    assert _further.prepare(deployment.context()) is None


def test_every_kind_is_one_that_there_is() -> None:
    assert set(_further.KINDS) < set(_check_kinds.KINDS)
