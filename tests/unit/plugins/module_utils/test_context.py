# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.tiered.rollback.plugins.module_utils import _context, _databases, _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _main(capsys: pytest.CaptureFixture[str], act: Callable[[Context], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Run a module as Ansible does; return its exit code and what it printed."""
    with patch_module_args({"name": "x"}), pytest.raises(SystemExit) as caught:
        _context.main(act, {"name": {"type": "str"}})
    return int(caught.value.code or 0), json.loads(capsys.readouterr().out)


def _raising(error: Exception) -> Callable[[Context], dict[str, Any]]:
    def act(_context: Context) -> dict[str, Any]:
        raise error

    return act


def test_what_act_returns_is_what_the_module_exits_with(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = _main(capsys, lambda ctx: {"changed": True, "name": ctx.module.params["name"]})
    assert (code, printed["changed"], printed["name"]) == (0, True, "x")


def test_an_error_becomes_a_failure_with_message_hint_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = _main(capsys, _raising(RollbackError("it broke", "mend it", lock_holder={"id": "r"})))
    assert code == 1
    assert printed["failed"] is True
    assert (printed["msg"], printed["hint"]) == ("it broke\nHINT: mend it", "mend it")
    assert printed["lock_holder"] == {"id": "r"}


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "file system is full"),
        (errno.EACCES, "become: true"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "the path says where"),
    ],
)
def test_an_error_of_the_operating_system_names_the_path_and_what_to_do(
    capsys: pytest.CaptureFixture[str], number: int, hint: str
) -> None:
    code, printed = _main(capsys, _raising(OSError(number, "refused", "/var/lib/x")))
    assert code == 1
    assert "refused: /var/lib/x" in printed["msg"]
    assert hint in printed["msg"]


def test_a_run_that_was_not_made_by_launch_is_refused(deployment: Any) -> None:
    for raw in ({}, {"id": "x"}):
        context = deployment.context(run=None)
        context.module.params["run"] = raw
        with pytest.raises(RollbackError, match=r"run is malformed[\s\S]*\nHINT: Register what"):
            _unused = context.run


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


def test_the_modules_argument_parser_is_ansibles_own() -> None:
    assert issubclass(_context.Module, basic.AnsibleModule)


def test_a_secret_under_a_misspelt_key_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"github": {"repository": "acme/shop", "tokn": "hunter2", "token": "hunter2 too"}}
    with patch_module_args(given), pytest.raises(SystemExit):
        _context.main(lambda _ctx: {}, _context.GITHUB_OPTIONS)
    printed = capsys.readouterr().out
    assert "github.tokn" in json.loads(printed)["msg"]
    assert "hunter2" not in printed


def test_a_module_without_a_stack_is_given_one_database() -> None:
    values = {name: spec.get("default") for name, spec in _databases.POSTGRES_SPEC.items()}
    params = {"postgres": {**values, "database": "shop", "host": "h"}}
    database = Context(SimpleNamespace(params=params)).postgres  # type: ignore[arg-type]
    assert (database.name, database.server.engine) == ("shop", None)


def test_a_stack_is_owned_while_a_block_runs_and_free_whatever_became_of_it(deployment: Any, build: Any) -> None:
    context = deployment.context(run=build.run(), lock_wait=0)

    def work() -> None:
        with context.alone():
            assert _lock.holder(deployment.state) == build.run()
            (deployment.state / _journal.ACTIVITY).write_text("{}")
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        work()
    assert _lock.holder(deployment.state) is None
    assert not (deployment.state / _journal.ACTIVITY).exists()


@pytest.mark.parametrize("actions", [[], ["build api"], ["build api", "prove v1"]])
def test_what_follows_from_a_modules_actions_follows_from_nothing_else(actions: list[str]) -> None:
    found = _context.acted(actions)
    assert (found["changed"], found["actions"]) == (actions != [], actions)
    assert found["diff"]["after"].splitlines() == actions


def test_a_module_that_is_not_for_swarms_says_so(swarmed: Any) -> None:
    context = swarmed.deployment.context()
    context.swarms = False
    with pytest.raises(RollbackError, match=r"tiered\.rollback\.some_module is not for engine swarm yet"):
        assert context.state
