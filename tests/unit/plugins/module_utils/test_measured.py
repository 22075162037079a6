# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _measured, _triggers
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

MEASURES = sorted({trigger.measure for trigger in _measured.TRIGGERS.values()})
FIGURES = st.dictionaries(st.sampled_from(MEASURES), st.floats(0, 1e6))


@pytest.mark.parametrize("name", list(_measured.TRIGGERS))
def test_no_two_triggers_share_a_name_and_the_matrix_answers_each(name: str) -> None:
    trigger = _measured.TRIGGERS[name]
    assert _decision.decide(trigger.severity, trigger.issue).row


@pytest.mark.parametrize(
    "raw",
    [
        {"error_rate": 12, "crashes": None},
        '{"error_rate": 12, "crashes": null}',
        {"error_rate": "12", "crashes": None},
    ],
)
def test_figures_are_read_from_a_mapping_or_its_json(raw: Any) -> None:
    assert _measured.figures(raw) == {"error_rate": 12.0, "crashes": None}


def test_figures_are_read_from_text() -> None:
    assert _measured.figures("error_rate=12,crashes=1e0") == {"error_rate": 12.0, "crashes": 1.0}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"eror_rate": 12}, "no figure eror_rate\nHINT: .*error_rate"),
        ({}, "hold no figure"),
        ({"error_rate": None}, "hold no figure"),
        ({"error_rate": "high"}, "error_rate is no number"),
        ({"error_rate": True}, "error_rate is no number"),
        ({"error_rate": "nan"}, "error_rate is no number"),
        ({"error_rate": [1]}, "error_rate is no number"),
        ("{", "cannot be read"),
        ("[1]", "cannot be read"),
        ("error_rate", "cannot be read"),
        (7, "no mapping"),
    ],
)
def test_figures_that_mean_nothing_are_refused(raw: Any, message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _measured.figures(raw)


@pytest.mark.parametrize(
    ("measured", "row", "fired"),
    [
        ({"error_rate": 12.0, "response_slower": 60.0}, "high/service", "error_rate"),
        ({"crashes": 1.0, "error_rate": 12.0}, "critical/service", "service_crash"),
        ({"response_slower": 60.0}, "medium/performance_severe", "response_much_slower"),
        ({"response_slower": 10.0}, "medium/performance_minor", "response_a_little_slower"),
        ({"failed_in_row": 3.0}, "critical/ci", "ci_broken"),
        ({"error_rate_after_rollback": 2.0}, "none/service", "error_rate_after_rollback"),
    ],
)
def test_the_worst_trigger_decides(measured: dict[str, float], row: str, fired: str) -> None:
    found, triggers = _measured.decide(measured)
    assert (found.row, triggers[0]["name"]) == (row, fired)


def test_where_all_is_well_nothing_is_to_be_done() -> None:
    found, fired = _measured.decide({"error_rate": 0.0})
    assert (found.decision, found.tiers, fired) == ("no rollback", (), [])


@given(FIGURES)
def test_what_is_decided_is_as_severe_as_the_worst_that_fired(measured: dict[str, float]) -> None:
    found, fired = _measured.decide(measured)
    worst = max((each["severity"] for each in fired), key=_triggers.SEVERITIES.index, default="none")
    assert found.severity == worst
    assert {each["measure"] for each in fired} <= set(measured)
