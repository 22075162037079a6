# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import NoReturn

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Checks, Unmet
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.fixture
def checks() -> Checks:
    return Checks()


def _unmet() -> NoReturn:
    raise Unmet("79.9 %")


def _impossible() -> NoReturn:
    raise RollbackError("the engine does not answer", "Start it.")


def _never() -> NoReturn:
    raise AssertionError("was done all the same")


def test_a_check_that_holds_has_its_detail(checks: Checks) -> None:
    checks.do("engine", "answers", lambda: "26.1")
    (check,) = checks.results
    assert (check.ok, check.skipped, check.failed, check.found) == (True, False, False, "26.1")
    assert check.seconds >= 0


def test_what_needs_a_check_that_could_not_be_done_is_skipped_and_so_on(checks: Checks) -> None:
    checks.do("engine", "answers", _impossible)
    checks.do("build", "at most 120 s", _never, needs=["engine"])
    checks.do("tests", "exit code 0", _never, needs=["build"])
    checks.do("workflows", "no finding", lambda: "3 files", needs=["compose"])
    assert [(check.ok, check.skipped) for check in checks.results] == [
        (False, False),
        (False, True),
        (False, True),
        (True, False),
    ]
    assert checks.results[0].found == "the engine does not answer\nHINT: Start it."
    assert [check.found for check in checks.results[1:3]] == ["skipped: needs engine", "skipped: needs build"]
    assert checks.failures() == "engine: the engine does not answer\nHINT: Start it."


def test_what_needs_a_check_that_only_does_not_hold_is_done(checks: Checks) -> None:
    checks.do("tests", "exit code 0", _unmet)
    checks.do("artifacts", "written", lambda: "2 files", needs=["tests"])
    assert [check.ok for check in checks.results] == [False, True]
    assert checks.failures() == "tests: 79.9 %"


def test_what_needs_a_check_that_was_not_asked_for_is_skipped(checks: Checks) -> None:
    checks.skip("build", "at most 120 s", "check mode")
    checks.do("tests", "exit code 0", _never, needs=["build"])
    assert [check.found for check in checks.results] == ["skipped: check mode", "skipped: needs build"]


def test_the_report_counts_what_was_skipped_as_not_passed(checks: Checks) -> None:
    checks.do("engine", "answers", lambda: "26.1")
    checks.do("coverage", "at least 80 %", _unmet)
    checks.skip("build", "at most 120 s", "check mode")
    report = checks.report()
    counts = {name: report[name] for name in ("total", "passed", "failed", "skipped", "success_rate")}
    assert counts == {"total": 3, "passed": 1, "failed": 1, "skipped": 1, "success_rate": 33.3}
    assert report["checks"][1] == {
        "name": "coverage",
        "expected": "at least 80 %",
        "found": "79.9 %",
        "ok": False,
        "skipped": False,
        "seconds": report["checks"][1]["seconds"],
    }
