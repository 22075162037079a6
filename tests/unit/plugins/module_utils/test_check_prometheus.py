# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_prometheus
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _values(**changes: Any) -> dict[str, Any]:
    defaults = {"at_most": None, "at_least": None, "minutes": None, "headers": {}, "timeout": 5.0}
    return {"promql": "up", "prometheus": "http://x", **defaults, **changes}


@pytest.mark.parametrize(
    ("found", "limits", "ok"),
    [
        ([1], {"at_least": 1}, True),
        ([1, 0], {"at_least": 1}, False),
        ([0.01], {"at_most": 0.01}, True),
        ([0, 0.02], {"at_most": 0.01}, False),
        ([1], {"at_least": 1, "at_most": 1}, True),
        ([], {"at_most": 1}, False),
        ([math.nan], {"at_most": 1}, False),
        ([math.inf], {"at_most": 1}, False),
    ],
)
def test_values_are_compared_and_unknown_is_not_good(found: list[float], limits: dict[str, float], ok: bool) -> None:
    judged = _check_prometheus.judge_promql(found, _values(**limits))
    assert judged.ok is ok
    assert bool(judged.hint) is not ok


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"resultType": "scalar", "result": [1, "2"]}, [2]),
        ({"resultType": "vector", "result": [{"value": [1, "2"]}, {"value": [1, "3"]}]}, [2, 3]),
        ({"resultType": "matrix", "result": [{"values": [[1, "2"], [2, "4"]]}]}, [2, 4]),
        ({"resultType": "vector", "result": []}, []),
    ],
)
def test_every_form_of_result_is_read(data: Any, expected: list[float]) -> None:
    assert _check_prometheus.samples(data) == expected


@pytest.mark.parametrize(
    "data", [{"resultType": "string", "result": [1, "x"]}, {}, {"resultType": "vector", "result": [{}]}]
)
def test_another_form_is_refused(data: Any) -> None:
    with pytest.raises(RollbackError):
        _check_prometheus.samples(data)


def test_the_last_minutes_are_asked_for_as_a_range(site: Any) -> None:
    class Answers(dict):  # type: ignore[type-arg]
        def get(self, path: str, _default: Any = None) -> Any:
            result = {"resultType": "matrix", "result": [{"values": [[1, "0"], [2, "9"]]}]}
            return 200, json.dumps({"data": result}).encode()

    site.answers = Answers()
    found = _check_prometheus.look_promql(_values(prometheus=site.url, at_most=5, minutes=5), None)  # type: ignore[arg-type]
    assert (found.ok, found.expected, found.found) == (False, "at most 5 over the last 5 minutes", "0 to 9 in 2 values")
    assert site.asked[0].path.startswith("/api/v1/query_range?query=up&start=")


def test_a_refused_query_says_why(site: Any) -> None:
    site.answers["/api/v1/query?query=up"] = (400, b'{"error": "parse error: no"}')
    with pytest.raises(RollbackError, match="refused the query: parse error"):
        _check_prometheus.look_promql(_values(prometheus=site.url, at_most=5), None)  # type: ignore[arg-type]


def test_every_target_of_a_job_must_be_up_and_there_must_be_one() -> None:
    up = {"labels": {"job": "api"}, "health": "up", "scrapeUrl": "http://a"}
    down = {"labels": {"job": "db"}, "health": "down", "scrapeUrl": "http://b"}
    assert _check_prometheus.judge_targets([up, down], "api").ok
    assert _check_prometheus.judge_targets([up, down], "all").found == "http://b is down"
    missing = _check_prometheus.judge_targets([up, down], "web")
    assert (missing.ok, missing.hint) == (False, "Jobs with targets: api, db.")
    assert not _check_prometheus.judge_targets([], "all").ok


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"prometheus": None, "at_most": 1}, "has no prometheus"),
        ({"prometheus": "x", "at_most": 1}, "not an HTTP URL"),
        ({}, "no limit"),
        ({"at_most": 1, "minutes": 0}, "minutes"),
    ],
)
def test_what_cannot_be_is_refused(build: Any, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(RollbackError, match=expected):
        _check_prometheus.refuse_promql(_values(**changes), "checks[0]", build.stack())
