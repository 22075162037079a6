# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import restore_point, verify_info


def _act(deployment: Any, *checks: Any, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    params = {name: spec.get("default") for name, spec in verify_info.OPTIONS.items() if name != "stack"}
    params |= {"state_dir": str(deployment.state_dir), "checks": list(checks), **changes}
    return verify_info.act(deployment.context(check_mode=check_mode, **params))


@pytest.mark.parametrize("check_mode", [True, False])
def test_failures_come_first_and_nothing_is_changed(deployment: Any, check_mode: bool) -> None:
    before = deployment.trees()
    found = _act(deployment, {"container": "web"}, {"container": "ghost"}, check_mode=check_mode)
    assert [(check["name"], check["ok"]) for check in found["checks"]] == [
        ("container ghost", False),
        ("container web", True),
    ]
    assert (found["failures"], found["changed"]) == (1, False)
    assert (deployment.trees(), deployment.world.calls) == (before, [])


def test_a_stack_without_any_check_proves_nothing(deployment: Any) -> None:
    with pytest.raises(RollbackError, match="nothing to check"):
        _act(deployment)


def test_checks_of_services_the_stack_and_the_task_are_run(deployment: Any, site: Any) -> None:
    site.answers["/"] = (200, b"")
    deployment.raw["services"] = {"web": {"checks": [{"url": f"{site.url}/"}]}}
    deployment.raw["checks"] = [{"container": "api"}]
    found = _act(deployment, {"container": "web"})
    assert {check["name"] for check in found["checks"]} == {"web-0", "container api", "container web"}
    assert found["failures"] == 0


def test_a_wrong_check_stands_in_the_way_of_this_module_only_and_before_anything_is_asked(
    deployment: Any, site: Any
) -> None:
    deployment.raw["services"] = {"web": {"checks": [{"url": f"{site.url}/"}]}}
    deployment.raw["checks"] = [{"containr": "api"}]
    with pytest.raises(RollbackError, match=r"rollback_stack.checks\[0\] names no kind"):
        _act(deployment)
    assert site.asked == []
    assert deployment.context().stack.more_checks


def test_secrets_of_checks_are_masked(deployment: Any, site: Any) -> None:
    context_checks = [{"url": f"{site.url}/", "headers": {"X-Key": "hunter2"}}]
    params = {name: spec.get("default") for name, spec in verify_info.OPTIONS.items() if name != "stack"}
    context = deployment.context(**{**params, "state_dir": str(deployment.state_dir), "checks": context_checks})
    verify_info.act(context)
    assert "hunter2" in context.module.no_log_values


def test_a_service_without_any_container_is_missed_and_a_job_that_ended_well_is_not(deployment: Any) -> None:
    profile = {"checks": [{"every": "service"}]}
    deployment.world.running = [each for each in deployment.world.running if each.service != "api"]
    assert _act(deployment, profile=profile)["failures"] == 1
    deployment.deploy("v0.9.0")
    deployment.world.running = [replace(each, running=each.service == "web") for each in deployment.world.running]
    assert [check["name"] for check in _act(deployment, profile=profile)["checks"]] == ["container web"]


def test_answers_are_compared_with_the_restore_point_of_what_runs(deployment: Any, build: Any, site: Any) -> None:
    site.answers["/"] = (200, b"")
    deployment.raw["services"]["web"] = {"checks": [{"name": "front", "url": f"{site.url}/"}]}
    params = {"version": "v0.9.0", "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
    point = restore_point.act(deployment.context(run=build.run(), **params))["restore_point"]
    found = _act(deployment, tolerance=1e6)
    assert found["restore_point"] == point
    assert {check["name"] for check in found["checks"]} == {"front", "front as in v0.9.0"}
    deployment.deploy("v1.0.0")
    assert _act(deployment)["restore_point"] is None
