# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.tiered.rollback.plugins.module_utils import _context
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

SECRET = {"url": "http://127.0.0.1/", "headers": {"Authorization": "Bearer hunter2"}}


def _stacked(capsys: pytest.CaptureFixture[str], act: Callable[[Context], dict[str, Any]]) -> str:
    stack = {"name": "shop", "project_src": "/opt/shop", "services": {"web": {"checks": [SECRET]}}}
    with patch_module_args({"stack": stack}), pytest.raises(SystemExit):
        _context.main(act, _context.STACK_OPTIONS)
    return capsys.readouterr().out


def test_a_token_of_a_check_shows_in_no_result_whether_good_or_bad(capsys: pytest.CaptureFixture[str]) -> None:
    def leak(ctx: Context) -> dict[str, Any]:
        return {"header": ctx.stack.checks[0].headers["Authorization"], "stack": ctx.stack.name}

    def fail(ctx: Context) -> dict[str, Any]:
        raise RollbackError(f"sent {ctx.stack.checks[0].headers['Authorization']}")

    printed = _stacked(capsys, leak)
    assert "hunter2" not in printed
    assert json.loads(printed)["stack"] == "shop"
    assert "hunter2" not in _stacked(capsys, fail)


def test_each_stack_has_a_state_directory_of_its_own(deployment: Any) -> None:
    context = deployment.context()
    assert context.state == deployment.state_dir / "shop"
    assert context.store.root.parent == context.state


def test_a_module_that_is_not_for_swarms_says_so(swarmed: Any) -> None:
    context = swarmed.deployment.context()
    context.swarms = False
    with pytest.raises(RollbackError, match=r"tiered\.rollback\.some_module is not for engine swarm yet"):
        assert context.state
