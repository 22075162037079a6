# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _release
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import image_build, release_info
from ansible_collections.tiered.rollback.tests.unit.plugins.module_utils.test_release import rendered


def _ask(operator: Any, version: str = "v1.1.0", back_to: str | None = None) -> dict[str, Any]:
    before = operator.deployment.trees()
    answer = release_info.act(operator.deployment.context(version=version, back_to=back_to))
    assert operator.deployment.trees() == before
    return answer


def test_a_version_that_nobody_has_tried_is_to_be_begun(operator: Any) -> None:
    found = _ask(operator)
    assert (found["stage"], found["running"], found["target"], found["back_to"]) == ("begin", "v1.0.0", None, None)


def test_what_runs_and_was_captured_is_done(operator: Any) -> None:
    assert _ask(operator, "v1.0.0")["stage"] == "begin"
    operator.capture("v1.0.0")
    assert _ask(operator, "v1.0.0")["stage"] == "done"


def test_a_version_that_was_left_is_refused_and_another_runs_unfinished_run_too(operator: Any) -> None:
    operator.switch()
    with pytest.raises(RollbackError, match=r"v1\.0\.0 is quarantined") as caught:
        _ask(operator, "v1.0.0")
    assert "Available otherwise: v0.9.0" in caught.value.hint
    operator.deployment.deploy("v1.0.0")
    assert _ask(operator, "v1.0.0")["stage"] == "begin", "somebody deployed it by hand, and it runs"
    operator.begin(3)
    with pytest.raises(RollbackError, match="was not finished"):
        _ask(operator)


def test_a_killed_deployment_is_continued_by_its_own_version_alone(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_release._preview, "render", rendered(operator.deployment))
    operator.deployment.world.add_image("v1.1.0", "shop:v1.1.0")
    back_to = operator.capture("v1.0.0")["restore_point"]
    params = {"version": "v1.1.0", "foretell": False, "timeout": 60, "lock_wait": 0}
    release = image_build.act(operator.deployment.context(run=operator.build.run(4), **params))["restore_point"]
    operator.begin(5, kind="deploy", version=release, deployment={"back_to": back_to, "gates": []})
    found = _ask(operator)
    assert (found["stage"], found["target"], found["back_to"]) == ("switch", release, back_to)
    assert found["running"] == "v1.0.0"
    with pytest.raises(RollbackError, match="was not finished"):
        _ask(operator, "v1.2.0")
    again = operator.switch(6, kind="deploy", version=release, dead_run=operator.build.run(5).id)
    assert again["record"]["deployment"]["back_to"] == back_to


def test_the_way_back_is_tier_2_where_a_schema_differs(operator: Any) -> None:
    database = operator.deployment.add_database()
    point = operator.capture("v1.0.0")["restore_point"]
    found = _ask(operator, back_to=point)
    assert (found["away"], found["tier"], found["back_to"]) == (False, 1, point)
    operator.deployment.deploy("v0.9.0")
    assert _ask(operator, back_to=point)["away"]
    database.version = "2"
    assert _ask(operator, back_to=point)["tier"] == 2
