# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import stack_switch
from ansible_collections.tiered.rollback.tests.support.builders import image_id
from ansible_collections.tiered.rollback.tests.support.fake_swarm import spec


def test_check_mode_gives_the_same_answer_and_moves_nothing(swarmed: Any) -> None:
    deployment = swarmed.deployment
    there = dict(deployment.swarm.there)
    foretold = swarmed.switch(check_mode=True)
    assert (deployment.swarm.there, deployment.swarm.calls) == (there, [])
    assert _lock.holder(deployment.state) is None
    real = swarmed.switch()
    measured = {"before", "checks", "outage", "probe", "report", "record"}
    assert {key: foretold[key] for key in foretold.keys() - measured} == {
        key: real[key] for key in real.keys() - measured
    }
    assert foretold["plan"]["source"] == "digest"
    assert "from v1.0.0" not in repr(foretold)


def test_a_target_that_is_what_runs_is_left_alone(swarmed: Any) -> None:
    swarmed.deployment.deploy("v0.9.0")
    result = swarmed.switch()
    assert (result["changed"], result["actions"], swarmed.deployment.swarm.calls) == (False, [], [])
    assert _lock.holder(swarmed.deployment.state) is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"tier": 2}, "tier 2: not for engine swarm yet"),
        ({"flags": {"AI": "false"}}, "flags: not for engine swarm yet"),
        ({"config": "newest"}, "config: not for engine swarm yet"),
        ({"snapshot": "s1"}, "snapshot: not for engine swarm yet"),
        ({"event": {"source": "alert"}}, "event: not for engine swarm yet"),
        ({"kind": "deploy", "deployment": {"back_to": "x"}}, "deployment: not for engine swarm yet"),
        ({"components": ["web"], "version": None}, "components are named, and no version"),
        ({"components": ["web"], "keep": ["w*"]}, "web would be touched, and is stated to be kept"),
        ({"components": ["added"]}, "has no service added"),
        ({"components": ["other"]}, "no service of this stack is called other"),
        ({"version": "v3.0.0"}, "no restore point for v3.0.0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(swarmed: Any, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(RollbackError, match=told):
        swarmed.switch(**asked)
    assert swarmed.deployment.swarm.calls == []
    assert _journal.load(swarmed.deployment.state) is None
    assert _lock.holder(swarmed.deployment.state) is None


def test_a_target_that_the_swarm_could_not_run_is_refused(swarmed: Any) -> None:
    swarm = swarmed.deployment.swarm
    swarm.absent = ["secret token"]
    with pytest.raises(RollbackError, match=r"has not any more what v0\.9\.0-.* refers to: secret token"):
        swarmed.switch()
    swarm.absent = []
    swarm.gone.add(f"registry:5000/app@{image_id('v0.9.0')}")
    with pytest.raises(RollbackError, match="neither a registry nor this manager has registry:5000/app@sha256"):
        swarmed.switch()
    assert swarm.calls == []


def test_a_component_goes_back_alone_and_is_undone(swarmed: Any) -> None:
    deployment = swarmed.deployment
    result = swarmed.switch(components=["w*"], tier=3)
    assert deployment.versions() == {"api": "v1.0.0", "added": "v1.0.0", "web": "v0.9.0"}
    assert (result["scope"], result["to_version"]) == (["web"], "v1.0.0+web-v0.9.0")
    assert {name for _call, name in deployment.swarm.calls} == {"web"}
    assert not swarmed.switch(2, components=["web"], tier=3)["changed"]
    swarmed.switch(3, kind="undo", version=None)
    assert deployment.versions() == {"api": "v1.0.0", "added": "v1.0.0", "web": "v1.0.0"}


def test_a_state_before_that_no_digest_names_is_told(swarmed: Any) -> None:
    there = swarmed.deployment.swarm.there
    there["api"] = replace(there["api"], spec=spec("api", Image="registry:5000/app:v1.0.0"))
    context = swarmed._context(1, False, {})
    stack_switch.act(context)
    assert any("api is not named by digest" in each for each in context.module.warnings)
    swarmed.switch(2, kind="undo", version=None)
    assert there["api"].image == "registry:5000/app:v1.0.0"


def test_a_state_before_whose_image_is_gone_is_told_and_the_rollback_goes_on(swarmed: Any) -> None:
    swarmed.deployment.swarm.gone.add(f"registry:5000/app@{image_id('v1.0.0')}")
    assert swarmed.switch()["changed"]
    assert swarmed.deployment.versions() == {"api": "v0.9.0", "web": "v0.9.0"}


def test_a_killed_run_keeps_its_way_and_an_undo_of_it_goes_the_other(swarmed: Any) -> None:
    deployment = swarmed.deployment
    deployment.goes_away(2)
    with pytest.raises(RollbackError, match="Putting the state before back failed too"):
        swarmed.switch()
    del deployment.swarm.__dict__["_put"]
    assert _journal.load(deployment.state) is not None
    foretold = swarmed.switch(2, check_mode=True)
    assert (foretold["resumed"], foretold["from_version"]) == (swarmed.build.run(1).id, "v1.0.0")
    deployment.swarm.calls.clear()
    swarmed.switch(2, kind="undo", version=None)
    assert deployment.versions() == {"api": "v1.0.0", "added": "v1.0.0", "web": "v1.0.0"}
    assert _journal.load(deployment.state) is None


def test_a_partial_run_does_not_end_one_of_the_whole_stack(swarmed: Any) -> None:
    deployment = swarmed.deployment
    deployment.goes_away(2)
    with pytest.raises(RollbackError, match="failed too"):
        swarmed.switch()
    with pytest.raises(RollbackError, match="takes the whole stack back"):
        swarmed.switch(2, components=["api"], tier=3)
