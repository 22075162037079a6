# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_http
from ansible_collections.tiered.rollback.plugins.module_utils._checks import Result
from hypothesis import given
from hypothesis import strategies as st


def _results(*milliseconds: float, failed: int = 0) -> list[Result]:
    return [
        Result(name="x", ok=n >= failed, found="status 500, wanted 200", milliseconds=took)
        for n, took in enumerate(milliseconds)
    ]


def _budgets(**given: float) -> dict[str, Any]:
    return {"p50": None, "p95": None, "p99": None, "error_rate": None, **given}


def test_percentiles_are_values_that_were_measured() -> None:
    assert _check_http.percentiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99}
    assert _check_http.percentiles([7]) == {"p50": 7, "p95": 7, "p99": 7}


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_never_fall(milliseconds: list[float]) -> None:
    found = _check_http.percentiles(milliseconds)
    assert min(milliseconds) <= found["p50"] <= found["p95"] <= found["p99"] <= max(milliseconds)


def test_a_budget_is_what_must_stay_below() -> None:
    slow = _results(*[10] * 94, *[500] * 6)
    assert _check_http.judge(slow, _budgets(p95=501)).ok
    found = _check_http.judge(slow, _budgets(p95=500))
    assert (found.ok, found.found) == (False, "p95 500 ms")
    assert found.hint


def test_of_errors_fewer_than_the_rate_are_allowed_and_none_without_one() -> None:
    one = _results(*[1] * 100, failed=1)
    assert not _check_http.judge(one, _budgets(error_rate=1)).ok
    assert _check_http.judge(one, _budgets(error_rate=1.1)).ok
    found = _check_http.judge(one, _budgets())
    assert "1 of 100 failed (1.0 %): status 500" in found.found


def test_requests_are_sent_as_often_as_asked_and_no_longer_than_the_deadline(build: Any, site: Any) -> None:
    site.answers["/"] = (200, b"")
    check = build.check(f"{site.url}/")
    assert len(_check_http.sample(check, 7, time.monotonic() + 60)) == len(site.asked) == 7
    assert len(_check_http.sample(check, 7, time.monotonic())) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, b"all is well", {"X-Frame": "DENY, really"}), ""),
        ((200, b"all is bad", {"X-Frame": "DENY"}), "does not hold 'well'"),
        ((200, b"all is well"), "header X-Frame"),
    ],
)
def test_text_and_headers_of_the_answer_are_compared(build: Any, site: Any, answer: Any, expected: str) -> None:
    site.answers["/"] = answer
    check = build.check(f"{site.url}/", contains="well", answer_headers={"X-Frame": "DENY"})
    (result,) = _check_http.sample(check, 1, 0)
    assert result.ok is not expected
    assert expected in result.found


def test_of_one_request_only_what_is_wrong_is_told() -> None:
    assert _check_http.judge(_results(1, failed=1), _budgets()).found == "status 500, wanted 200"
