# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _inject, _staging
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import fault, staging


@pytest.fixture
def copy(drilled: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A staging copy on paper."""
    monkeypatch.setattr(_staging, "compose", lambda *_args, **_options: "")
    monkeypatch.setattr(_staging, "wait", lambda *_: None)
    return staging.act(drilled())["plan"]


def test_the_planned_fault_goes_into_the_copy(drilled: Any, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def inject(plan: Any, stack: Any, engine: Any, notice: float) -> dict[str, Any]:
        asked.append((plan["name"], plan["fault"], stack.name, notice))
        return {"said": "api: killed"}

    monkeypatch.setattr(_inject, "inject", inject)
    found = fault.act(drilled(notice=2.0))
    assert asked == [(copy["name"], "container_kill", copy["name"], 2.0)]
    assert (found["changed"], found["actions"]) == (True, ["api: killed"])


def test_check_mode_only_says_so(drilled: Any, copy: Any) -> None:
    ctx = drilled()
    ctx.module.check_mode = True
    assert fault.act(ctx)["actions"] == ["api: a container is killed"]


def test_without_a_copy_there_is_nothing_to_be_put_into_trouble(drilled: Any) -> None:
    with pytest.raises(RollbackError, match="there is no staging copy"):
        fault.act(drilled())
