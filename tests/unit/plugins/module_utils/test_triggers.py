# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _triggers


def names(**measured: float | None) -> list[str]:
    return [each["name"] for each in _triggers.crossed(measured, _triggers.SERVICE, {})]


@pytest.mark.parametrize(
    ("measure", "at_the_limit", "beyond", "fires"),
    [
        ("crashes", 0, 1, "service_crash"),
        ("corrupt", 0, 1, "data_corruption"),
        ("down_seconds", 120, 121, "service_down"),
        ("health_failed_in_row", 2, 3, "health_failing"),
        ("error_rate", 10, 10.1, "error_rate"),
        ("error_rate_after_rollback", 1, 1.1, "error_rate_after_rollback"),
        ("response_slower", 50, 50.1, "response_much_slower"),
        ("response_slower", 20, 20.1, "response_slower"),
        ("response_slower", 0, 0.1, "response_a_little_slower"),
    ],
)
def test_each_limit_of_the_documents_fires_beyond_it(
    measure: str, at_the_limit: float, beyond: float, fires: str
) -> None:
    assert fires not in names(**{measure: at_the_limit})
    assert fires in names(**{measure: beyond})


def test_a_figure_that_is_not_known_fires_nothing() -> None:
    assert names(error_rate=None) == []


def test_the_worst_comes_first() -> None:
    assert names(response_slower=30, error_rate=11, crashes=1)[:2] == ["service_crash", "error_rate"]


def test_a_limit_is_replaced_by_name() -> None:
    fired = _triggers.crossed({"error_rate": 6}, _triggers.SERVICE, {"error_rate": 5})
    assert [(each["value"], each["limit"]) for each in fired] == [(6, 5)]


@pytest.mark.parametrize("name", list(_triggers.SERVICE))
def test_the_matrix_answers_every_trigger(name: str) -> None:
    trigger = _triggers.SERVICE[name]
    assert _decision.decide(trigger.severity, trigger.issue).row
