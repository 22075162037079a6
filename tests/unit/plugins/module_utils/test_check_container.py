# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_container
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _values(**changes: Any) -> dict[str, Any]:
    return {"container": "web", "state": "running", "health": "healthy", "replicas": 1, "restarts": None, **changes}


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        ({}, {}, ""),
        ({"health": None}, {}, ""),
        ({"health": "unhealthy"}, {}, "unhealthy"),
        ({"health": "unhealthy"}, {"health": "any"}, ""),
        ({"running": False, "exit_code": 1}, {"health": "any"}, "not running"),
        ({}, {"replicas": 2}, "1 of 2"),
        ({"restarts": 2}, {}, ""),
        ({"restarts": 2}, {"restarts": 2}, ""),
        ({"restarts": 3}, {"restarts": 2}, "3 times"),
        ({"running": False}, {"state": "exited"}, ""),
        ({"running": False, "exit_code": 1}, {"state": "exited"}, "exit code 1"),
        ({}, {"state": "exited"}, "running"),
    ],
)
def test_state_health_and_restarts_are_judged(
    build: Any, changes: dict[str, Any], wanted: dict[str, Any], expected: str
) -> None:
    found = _check_container.judge([build.container(**changes)], _values(**wanted))
    assert found.ok is not bool(expected)
    assert expected in found.found


def test_a_service_without_a_container_does_not_hold() -> None:
    found = _check_container.judge([], _values())
    assert (found.ok, found.found) == (False, "0 of 1 containers exist")


def test_no_containers_at_all_cannot_be_wanted(build: Any) -> None:
    with pytest.raises(RollbackError, match="1 or more"):
        _check_container.refuse(_values(replicas=0), "checks[0]", build.stack())
