# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _telling


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "unknown"), (0.204, "0.20 s"), (5, "5.0 s"), (59.94, "59.9 s"), (300, "5 min"), (125.2, "2 min 5 s")],
)
def test_a_span_of_time_is_told_as_people_say_it(value: float | None, told: str) -> None:
    assert _telling.seconds(value) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "shop is back on v0.9.0"),
        ({"scope": ["api", "web"]}, "api, web of shop is back on v0.9.0"),
        ({"kind": "undo"}, "shop is on v0.9.0 again"),
        ({"kind": "deploy", "to_version": "v1.1.0"}, "shop is on v1.1.0"),
        ({"kind": "deploy", "outcome": "refused"}, "shop still runs v1.0.0: the gates refuse v0.9.0"),
        ({"kind": "deploy", "outcome": "reverted"}, "shop still runs v1.0.0: the deployment to v0.9.0 failed"),
        ({"outcome": "reverted"}, "shop still runs v1.0.0: the rollback to v0.9.0 failed, and the state before was"),
        ({"outcome": "failed"}, "shop needs help: neither v0.9.0 nor the state before could be brought up"),
        ({"kind": "ci", "repository": "a/b", "method": "swap"}, "CI of a/b: the CI rollback is done (swap)"),
        ({"kind": "ci", "repository": "a/b", "method": "forward"}, "CI of a/b: the way forward is done (forward)"),
        ({"kind": "ci", "repository": "a/b", "outcome": "failed"}, "CI of a/b: the CI rollback failed"),
    ],
)
def test_the_headline_says_where_a_run_has_left_things(
    example: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    assert _telling.headline({**example, **changes}).startswith(told)


def test_what_a_record_does_not_hold_is_unknown() -> None:
    assert "unknown" in _telling.headline({})
    assert _telling.against_budget({}) == "no budget is set"
    assert (_telling.outage({}), _telling.outage({"outage": 0.0, "probe": {}})) == ("not measured", "not measured")
    assert (_telling.data_loss({}), _telling.data_loss_in_figures({})) == ("unknown", "unknown")
    assert (_telling.checks({}, "checks_after"), _telling.moment(None)) == ("none was made", "unknown")


def test_a_run_that_took_too_long_says_so(example: dict[str, Any]) -> None:
    assert _telling.against_budget(example) == "within the 30 min that tier 2 may take"
    assert _telling.against_budget({**example, "duration": 1801}).startswith("OVER the 30 min")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "1420 rows differ"),
        ({"loss": {"shop": []}}, "none"),
        ({"not_compared": ["shop could not be compared"]}, "unknown"),
    ],
)
def test_the_rows_that_differ_are_one_figure(example: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    assert _telling.data_loss_in_figures({**example, **changes}) == told


@pytest.mark.parametrize(
    ("urls", "after"),
    [
        ({}, None),
        ({"a": []}, None),
        ({"a": [[0, 5, "good"]]}, 0.0),
        ({"a": [[0, 2, "bad"], [2, 5, "good"]], "b": [[0, 1, "good"], [1, 3, "silent"], [3, 5, "good"]]}, 3),
        ({"a": [[0, 5, "good"]], "b": [[0, 3, "good"], [3, 5, "silent"]]}, None),
    ],
)
def test_service_is_restored_when_the_last_url_answers_well_for_good(urls: dict[str, Any], after: float | None) -> None:
    assert _telling.restored({"answers": {"began": "x", "urls": urls}}) == after


@pytest.mark.parametrize(
    ("record", "forward"),
    [({"kind": "undo"}, True), ({"kind": "ci", "method": "forward"}, True), ({"kind": "ci", "method": "swap"}, False)],
)
def test_an_undo_and_proven_fixes_lead_forward_again(record: dict[str, Any], forward: bool) -> None:
    assert _telling.is_recovery(record) is forward
