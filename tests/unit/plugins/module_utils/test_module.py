# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.tiered.rollback.plugins.module_utils import _github, _module
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _main(
    capsys: pytest.CaptureFixture[str], act: Callable[[AnsibleModule], dict[str, Any]]
) -> tuple[int, dict[str, Any]]:
    """Run a module as Ansible does; return its exit code and what it printed."""
    with patch_module_args({"name": "x"}), pytest.raises(SystemExit) as caught:
        _module.main(act, {"name": {"type": "str"}})
    return int(caught.value.code or 0), json.loads(capsys.readouterr().out)


def _raising(error: Exception) -> Callable[[AnsibleModule], dict[str, Any]]:
    def act(_module: AnsibleModule) -> dict[str, Any]:
        raise error

    return act


def test_what_act_returns_is_what_the_module_exits_with(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = _main(capsys, lambda module: {"changed": True, "name": module.params["name"]})
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


def test_the_modules_argument_parser_is_ansibles_own() -> None:
    assert issubclass(_module.Module, basic.AnsibleModule)


def test_a_secret_under_a_misspelt_key_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"github": {"repository": "acme/shop", "tokn": "hunter2", "token": "hunter2 too"}}
    with patch_module_args(given), pytest.raises(SystemExit):
        _module.main(lambda _ctx: {}, _github.OPTIONS)
    printed = capsys.readouterr().out
    assert "github.tokn" in json.loads(printed)["msg"]
    assert "hunter2" not in printed


@pytest.mark.parametrize("actions", [[], ["build api"], ["build api", "prove v1"]])
def test_what_follows_from_a_modules_actions_follows_from_nothing_else(actions: list[str]) -> None:
    found = _module.acted(actions)
    assert (found["changed"], found["actions"]) == (actions != [], actions)
    assert found["diff"]["after"].splitlines() == actions
