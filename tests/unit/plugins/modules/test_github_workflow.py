# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import github_workflow


def test_a_workflow_is_disabled_and_enabled_once(ci: Any) -> None:
    for state, other in (("disabled", "enabled"), ("enabled", "disabled")):
        asked = len(ci.project.asked("PUT"))
        foretold = ci.call(github_workflow, workflow="ci.yml", state=state, check_mode=True)
        assert len(ci.project.asked("PUT")) == asked
        done = ci.call(github_workflow, workflow="ci.yml", state=state)
        assert foretold == done
        assert done["actions"] == [f"{state[:-1]} ci.yml"]
        assert len(ci.project.asked("PUT")) == asked + 1
        again = ci.call(github_workflow, workflow="ci.yml", state=state)
        assert (again["changed"], again["workflow"]["state"] == "active") == (False, other == "disabled")
    assert len(ci.project.asked("PUT")) == 2


def test_an_unknown_workflow_is_named_with_those_there_are(ci: Any) -> None:
    with pytest.raises(RollbackError, match=r"no workflow cy\.yml") as caught:
        ci.call(github_workflow, workflow="cy.yml", state="disabled")
    assert "ci-fast.yml, ci.yml, docker-feature-flags.yml, test-full.yml" in caught.value.hint


def test_a_token_that_may_not_is_told_the_permission(ci: Any) -> None:
    ci.github.forbid(r"PUT /repos/.*/disable", permissions="actions=write")
    with pytest.raises(RollbackError, match="Resource not accessible") as caught:
        ci.call(github_workflow, workflow="ci.yml", state="disabled")
    assert "permission actions: write" in caught.value.hint
