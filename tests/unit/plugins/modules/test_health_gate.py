# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import health_gate, restore_point


def _act(deployment: Any, point: str | None = None, *, check_mode: bool = False) -> dict[str, Any]:
    return health_gate.act(deployment.context(check_mode=check_mode, restore_point=point, timeout=0))


@pytest.fixture
def point(deployment: Any, build: Any) -> str:
    """The restore point of what runs."""
    params = {"version": None, "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
    captured: str = restore_point.act(deployment.context(run=build.run(), **params))["restore_point"]
    deployment.world.calls.clear()
    return captured


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_stack_that_is_well_passes_and_nothing_is_changed(deployment: Any, point: str, check_mode: bool) -> None:
    before = deployment.trees()
    result = _act(deployment, point, check_mode=check_mode)
    assert result["changed"] is False
    assert {check["name"] for check in result["checks"]} >= {"container web", "container api", "nothing left over"}
    assert all(check["ok"] for check in result["checks"])
    assert (deployment.trees(), deployment.world.calls) == (before, [])


def test_an_http_check_that_does_not_hold_fails(deployment: Any, site: Any) -> None:
    deployment.raw["services"] = {"web": {"checks": [{"url": f"{site.url}/"}]}}
    with pytest.raises(RollbackError, match="web-0: status 404"):
        _act(deployment)
    site.answers["/"] = (200, b"")
    assert _act(deployment)["checks"][0]["ok"]


def test_a_container_that_is_not_well_fails_with_every_check_in_the_result(deployment: Any, build: Any) -> None:
    deployment.world.running[0] = replace(deployment.world.running[0], health="unhealthy")
    with pytest.raises(RollbackError, match="running, unhealthy") as caught:
        _act(deployment)
    assert isinstance(caught.value.facts["checks"], list)


def test_a_healthy_stack_that_is_not_the_point_fails(deployment: Any, point: str) -> None:
    deployment.deploy("v1.0.0")
    assert _act(deployment)["checks"]
    with pytest.raises(RollbackError, match=r"runs .*, not "):
        _act(deployment, point)


def test_a_container_that_belongs_to_nothing_fails(deployment: Any, point: str) -> None:
    extra = replace(deployment.world.running[0], id="x", name="shop-ghost-1", service="ghost")
    deployment.world.running.append(extra)
    with pytest.raises(RollbackError, match="shop-ghost-1"):
        _act(deployment, point)
