# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _names, _stages
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PHASES = [
    {"name": "containers", "after": 12.0, "seconds": 3.0},
    {"name": "checks", "after": 15.0, "seconds": 1.5},
]


def stated(**given: str) -> dict[str, str]:
    values = _names.launch_values(given, _stages.VARIABLES)
    return _stages.stated(values, NOW)


@pytest.mark.parametrize("text", ["2026-11-20T09:00Z", "2026-11-20T10:00:00.000+01:00", "2026-11-20T09:00:00Z"])
def test_a_time_is_taken_with_its_zone_and_noted_in_utc(text: str) -> None:
    assert stated(began_at=text) == {"began_at": "2026-11-20T09:00:00.000+00:00"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"began_at": "2026-11-20T11:00:00Z"}, "began_at lies in the future"),
        ({"detected_at": "2026-11-20T10:00:00-01:00"}, "detected_at lies in the future"),
        ({"began_at": "2026-11-20T09:00:00"}, "unsafe or malformed"),
        ({"began_at": "yesterday"}, "unsafe or malformed"),
        ({"began_at": "{{ lookup('pipe', 'id') }}"}, "unsafe or malformed"),
        ({"began_at": "2026-02-30T09:00:00Z"}, "began_at is no time"),
        ({"began_at": "0000-01-01T00:00:00Z"}, "began_at is no time"),
        ({"began_at": "0001-01-01T00:00:00+14:00"}, "began_at is no time"),
        ({"began_at": "2026-11-20T09:00:00Z", "detected_at": "2026-11-20T08:59:59Z"}, "is before began_at"),
    ],
)
def test_what_is_no_such_time_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        stated(**given)


def record(build: Any, decision: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    began, detected = "2026-11-20T09:50:00.000+00:00", "2026-11-20T09:58:30.000+00:00"
    run = build.run(1, began_at=began, detected_at=detected, decision=decision)
    return {"duration": 17.0, "phases": PHASES, "decision": decision, "times": _stages.times(run, PHASES), **changes}


def test_each_stage_has_its_seconds_where_both_ends_are_known(build: Any) -> None:
    decision = {"approval_seconds": 10, "approved_at": "2026-11-20T10:00:10.000+00:00"}
    full = record(build, decision)
    assert _stages.seconds(full) == {"detect": 510.0, "decide": 90.0, "approve": 10, "execute": 5.5, "verify": 1.5}
    assert _stages.recovery(full) == 616.5
    assert (full["times"]["executed"], full["times"]["verified"]) == (
        "2026-11-20T10:00:15.000+00:00",
        "2026-11-20T10:00:16.500+00:00",
    )


def test_a_phase_that_was_approved_before_its_own_run_waited_for_nobody(build: Any) -> None:
    full = record(build, {"approval_seconds": 10, "approved_at": "2026-11-20T09:59:00.000+00:00"})
    assert _stages.seconds(full)["execute"] == 15.5


def test_what_nobody_stated_and_nothing_measured_is_unknown(build: Any) -> None:
    times = _stages.times(build.run(1))
    assert [name for name, at in times.items() if at] == ["decided"]
    empty = {"times": times, "phases": []}
    assert set(_stages.seconds(empty).values()) == {None}
    assert _stages.recovery(empty) is None
    assert set(_stages.seconds({}).values()) == {None}
