# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of figures, which of them are crossed, and those of a service in documents 001, 003 and 004 (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._decision_matrix import SEVERITIES as _WORST_FIRST

#: From the mildest to the worst.
SEVERITIES = tuple(reversed(_WORST_FIRST))


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A limit, and how bad it is to be beyond it.

    :param measure: name of the figure.
    :param above: whether beyond is above the limit, not below it.
    :param severity: of the decision matrix; ``none`` where it is worth a look and no rollback.
    :param issue: of the decision matrix.
    :param alert: as document 000 calls it: ``warning`` or ``critical``.
    """

    measure: str
    above: bool
    limit: float
    severity: str
    issue: str
    alert: str
    meaning: str


#: Shares are in percent, times in seconds.
SERVICE: Mapping[str, Trigger] = {
    "service_crash": Trigger(
        measure="crashes",
        above=True,
        limit=0,
        severity="critical",
        issue="service_crash",
        alert="critical",
        meaning="a service crashed",
    ),
    "data_corruption": Trigger(
        measure="corrupt",
        above=True,
        limit=0,
        severity="critical",
        issue="data_corruption",
        alert="critical",
        meaning="data failed its integrity check",
    ),
    "service_down": Trigger(
        measure="down_seconds",
        above=True,
        limit=120,
        severity="critical",
        issue="service_outage",
        alert="critical",
        meaning="the service does not answer",
    ),
    "health_failing": Trigger(
        measure="health_failed_in_row",
        above=True,
        limit=2,
        severity="high",
        issue="health_check_failure",
        alert="critical",
        meaning="the health check fails time after time",
    ),
    "error_rate": Trigger(
        measure="error_rate",
        above=True,
        limit=10,
        severity="high",
        issue="high_error_rate",
        alert="critical",
        meaning="too many requests fail",
    ),
    "error_rate_after_rollback": Trigger(
        measure="error_rate_after_rollback",
        above=True,
        limit=1,
        severity="none",
        issue="high_error_rate",
        alert="warning",
        meaning="requests still fail after the rollback: find the root cause",
    ),
    "response_much_slower": Trigger(
        measure="response_slower",
        above=True,
        limit=50,
        severity="medium",
        issue="performance_severe",
        alert="critical",
        meaning="the service is much slower than before",
    ),
    "response_slower": Trigger(
        measure="response_slower",
        above=True,
        limit=20,
        severity="medium",
        issue="performance_degraded",
        alert="warning",
        meaning="the service is slower than before",
    ),
    "response_a_little_slower": Trigger(
        measure="response_slower",
        above=True,
        limit=0,
        severity="medium",
        issue="performance_minor",
        alert="warning",
        meaning="the service is a little slower than before",
    ),
}


def crossed(
    measured: Mapping[str, float | None], triggers: Mapping[str, Trigger], replaced: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return the triggers that fire, the worst first.

    :param measured: figures by name; None or absent where one is not known.
    :param replaced: limits in place of a trigger's own, by the trigger's name.
    """
    fired = []
    for name, default in triggers.items():
        trigger = replace(default, limit=replaced.get(name, default.limit))
        value = measured.get(trigger.measure)
        if value is not None and (value > trigger.limit if trigger.above else value < trigger.limit):
            fired.append({"name": name, "value": value, **asdict(trigger)})
    return sorted(fired, key=lambda each: -SEVERITIES.index(each["severity"]))
