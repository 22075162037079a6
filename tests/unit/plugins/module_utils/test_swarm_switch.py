# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _swarm_switch
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support.fake_swarm import image, spec, task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_swarm_switch, "_POLL", 0.01)


def _updated(operator: Any) -> list[str]:
    """The services that were changed, in order, each once."""
    return list(dict.fromkeys(name for _call, name in operator.deployment.swarm.calls))


def test_a_rollback_takes_who_needs_another_first_and_an_undo_last(swarmed: Any) -> None:
    deployment = swarmed.deployment
    result = swarmed.switch()
    assert deployment.versions() == {"api": "v0.9.0", "web": "v0.9.0"}
    assert _updated(swarmed)[0] == "web"
    assert {check["name"] for check in result["checks"]} == {"service api", "service web", "nothing left over"}
    phases = [phase["name"] for phase in result["record"]["phases"]]
    assert phases == ["preflight", "services", "services", "checks"]
    deployment.swarm.calls.clear()
    swarmed.switch(2, kind="undo", version=None)
    assert deployment.versions() == {"added": "v1.0.0", "api": "v1.0.0", "web": "v1.0.0"}
    assert _updated(swarmed)[-1] == "web"


def test_each_update_stops_at_a_failure_and_leaves_the_users_own_settings(swarmed: Any) -> None:
    swarm = swarmed.deployment.swarm
    swarmed.switch()
    sent = [each["UpdateConfig"].get("FailureAction") for each in swarm.specs if each["Name"] == "shop_web"]
    assert sent == ["pause", None]
    assert swarm.there["web"].spec == spec("web")


def test_where_a_service_does_not_get_well_those_before_it_go_back(swarmed: Any) -> None:
    deployment = swarmed.deployment
    there = {name: each.spec for name, each in deployment.swarm.there.items()}
    real = deployment.swarm._put

    def put(call: str, wanted: Any) -> str:
        deployment.swarm.sick = {image("v0.9.0")} if wanted["Name"] == "shop_api" else set()
        return str(real(call, wanted))

    deployment.swarm._put = put
    with pytest.raises(RollbackError, match=r"service api does not get well: its update is paused") as caught:
        swarmed.switch()
    assert "(task: non-zero exit (1))" in caught.value.message
    assert "was put back" in caught.value.message
    assert {name: each.spec for name, each in deployment.swarm.there.items()} == there
    order = [name for call, name in deployment.swarm.calls if call != "remove"]
    assert list(dict.fromkeys(order)) == ["web", "api", "added"]
    assert order[-1] == "web"


def test_a_service_that_never_gets_well_is_given_up_after_its_time(
    swarmed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = swarmed.deployment
    deployment.raw["health_timeout"] = 0
    monkeypatch.setattr(
        deployment.swarm,
        "service",
        lambda _namespace, service_id: replace(
            deployment.swarm.there[service_id.removesuffix("-id")], tasks=(task(state="starting"),)
        ),
    )
    with pytest.raises(RollbackError, match="service web does not get well: 0 of 1 replicas run as specified"):
        swarmed.switch()


def test_a_state_that_was_not_well_before_need_not_get_well_again(swarmed: Any) -> None:
    deployment = swarmed.deployment
    there = deployment.swarm.there
    there["web"] = replace(there["web"], tasks=(task(state="failed"),))
    deployment.swarm.sick = {image("v1.0.0")}
    deployment.raw["health_timeout"] = 0
    swarmed.switch()
    swarmed.switch(2, kind="undo", version=None)
    assert deployment.versions()["web"] == "v1.0.0"
    assert {each["UpdateConfig"].get("FailureAction") for each in deployment.swarm.specs[-6:]} == {"continue", None}


def test_what_differs_only_in_how_it_is_updated_is_set_at_once(swarmed: Any) -> None:
    deployment = swarmed.deployment
    deployment.deploy("v0.9.0")
    web = deployment.swarm.there["web"]
    deployment.swarm.there["web"] = replace(web, spec={**web.spec, "UpdateConfig": {"Order": "start-first"}})
    result = swarmed.switch()
    assert deployment.swarm.calls == [("update", "web")]
    assert result["plan"]["steps"][0]["note"] == "UpdateConfig.Order, UpdateConfig.Parallelism"


def test_a_service_that_somebody_removes_meanwhile_is_an_error(swarmed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarmed.deployment.swarm, "service", lambda *_: None)
    with pytest.raises(RollbackError, match="service web is gone"):
        swarmed.switch()


def test_a_check_that_does_not_hold_takes_everything_back(swarmed: Any, site: Any) -> None:
    site.answers["/"] = (500, b"")
    swarmed.deployment.raw["services"]["web"]["checks"] = [{"url": f"{site.url}/"}]
    with pytest.raises(RollbackError, match="web-0: status 500, wanted 200"):
        swarmed.switch()
    assert swarmed.deployment.versions()["web"] == "v1.0.0"


@pytest.mark.parametrize(
    ("spec_then", "refused"),
    [(spec("web", "v2.0.0"), True), (spec("web", "v1.0.0", replicas=9), False)],
)
def test_what_somebody_deploys_meanwhile_is_not_replaced_uncaptured(
    swarmed: Any, spec_then: dict[str, Any], refused: bool
) -> None:
    swarm = swarmed.deployment.swarm
    calls, look = [], swarm.look

    def quicker(namespace: str) -> Any:
        calls.append(namespace)
        # By then the state before was captured, and the plan is made.
        if len(calls) == 3:
            swarm.there["web"] = replace(swarm.there["web"], spec=spec_then)
        return look(namespace)

    swarm.look = quicker
    if refused:
        with pytest.raises(RollbackError, match="service web was changed by somebody else since this run began"):
            swarmed.switch()
        assert swarm.there["web"].spec == spec_then
    else:
        swarmed.switch()
        assert swarm.there["web"].spec == spec("web")
