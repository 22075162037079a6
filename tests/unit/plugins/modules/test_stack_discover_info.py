# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import stack_discover_info
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule


def _act(deployment: Any, monkeypatch: pytest.MonkeyPatch, project: str | None) -> dict[str, Any]:
    monkeypatch.setattr(stack_discover_info, "Compose", lambda _stack: deployment.compose)
    monkeypatch.setattr(stack_discover_info, "Engine", lambda: deployment.engine)
    return stack_discover_info.act(FakeModule({"project": project}))


@pytest.mark.parametrize("project", ["shop", None])
def test_the_project_that_runs_is_described_as_a_stack_that_can_be_used(
    deployment: Any, monkeypatch: pytest.MonkeyPatch, project: str | None
) -> None:
    before = deployment.trees()
    result = _act(deployment, monkeypatch, project)
    stack = _stack.parse(result["rollback_stack"])
    assert (stack.name, stack.project_src, stack.config) == ("shop", str(deployment.src), ("compose.yml", ".env"))
    assert [check.url for check in stack.checks] == ["http://127.0.0.1:8080/"]
    assert result["changed"] is False
    assert (deployment.trees(), deployment.world.calls) == (before, [])


@pytest.mark.parametrize(
    ("labels", "project", "message"),
    [
        (["a", "b"], None, "say which Compose project"),
        (["a", "b"], "c", "no Compose project c runs here"),
        ([], None, "say which Compose project"),
    ],
)
def test_a_project_that_is_not_there_or_not_clear_is_an_error_that_names_those_that_run(
    deployment: Any, monkeypatch: pytest.MonkeyPatch, labels: list[str], project: str | None, message: str
) -> None:
    monkeypatch.setattr(deployment.engine, "project_labels", lambda: {name: {} for name in labels})
    with pytest.raises(RollbackError, match=message) as caught:
        _act(deployment, monkeypatch, project)
    assert (", ".join(labels) or "none") in caught.value.hint
