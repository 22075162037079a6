# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _inject
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import drill_info


@pytest.fixture(autouse=True)
def no_netem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that cannot hold packets back."""
    monkeypatch.setattr(_inject, "latency_problem", lambda: "the kernel has no netem")


def test_a_drill_is_told_and_nothing_is_made(drilled: Any, deployment: Any) -> None:
    before = deployment.trees()
    found = drill_info.act(drilled(fault="random"))
    assert found["changed"] is False
    assert found["remains"] == []
    assert found["plan"] == {**drill_info.act(drilled(fault="random"))["plan"], "ports": found["plan"]["ports"]}
    assert deployment.trees() == before


def test_latency_is_refused_clearly_before_anything_is_made(drilled: Any, deployment: Any) -> None:
    before = deployment.trees()
    with pytest.raises(RollbackError, match="fault latency cannot be injected here: the kernel has no netem"):
        drill_info.act(drilled(fault="latency"))
    assert deployment.trees() == before


def test_remains_of_a_killed_drill_are_told(drilled: Any, deployment: Any) -> None:
    (deployment.state / "drill/drill-shop-old").mkdir(parents=True)
    assert drill_info.act(drilled())["remains"] == ["drill-shop-old"]


def test_no_secret_is_in_a_plan(drilled: Any, deployment: Any) -> None:
    check = {"url": "http://127.0.0.1:8080/", "headers": {"Authorization": "Bearer hunter2"}}
    deployment.raw["services"]["web"] = {"checks": [check]}
    assert "hunter2" not in repr(drill_info.act(drilled()))
