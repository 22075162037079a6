# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import threading
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.tiered.rollback.plugins.plugin_utils import _follow, _watched


class _Action(_watched.WatchedAction):
    MODULE = "tiered.rollback.stack_switch"
    JOURNAL = "journal.json"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._module(dict(self._task.args), task_vars)


def _followed(arguments: dict[str, Any], transport: str, journal: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a module that takes a while beside a journal; return what was shown."""
    shown: list[str] = []
    monkeypatch.setattr(_watched, "Display", lambda: MagicMock(display=lambda text, **_: shown.append(text)))
    monkeypatch.setattr(_follow, "_POLL", 0.001)
    asked = threading.Event()

    def answer(command: str) -> dict[str, Any]:
        asked.set()
        assert command == "cat '/st ate/shop/journal.json'"
        if isinstance(journal, Exception):
            raise journal
        return {"rc": 0 if journal else 1, "stdout": journal or "", "stderr": ""}

    monkeypatch.setattr(_Action, "_low_level_execute_command", lambda _self, command: answer(command))
    action = _Action(
        task=MagicMock(async_val=0, check_mode=False, args=arguments),
        connection=MagicMock(transport=transport),
        play_context=MagicMock(check_mode=False),
        loader=MagicMock(),
        templar=MagicMock(),
        shared_loader_obj=MagicMock(),
    )

    def execute(**_: Any) -> dict[str, Any]:
        if transport == "local":
            assert asked.wait(10)
            asked.clear()
            assert asked.wait(10)
        return {"changed": True}

    action._execute_module = execute
    assert action.run(task_vars={"inventory_hostname": "web1"}) == {"changed": True}
    return shown


def _arguments(build: Any) -> dict[str, Any]:
    return {"state_dir": "/st ate", "stack": {"name": "shop"}, "run": build.run().to_dict(), "tier": 1}


def _journal(build: Any) -> str:
    step = {"action": "stop_first", "subject": "web", "now": "2", "target": "1", "note": ""}
    facts = {"from_version": "v2", "to_version": "v1", "plan": {"steps": [step]}, "budget": 300}
    return json.dumps({"run": build.run().to_dict(), "facts": facts, "steps": []})


def test_the_plan_is_shown_while_the_module_works(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    head, step = _followed(_arguments(build), "local", _journal(build), monkeypatch)
    assert " of 5:00 [" in head
    assert head.endswith("web1: v2 -> v1, 1 steps")
    assert step.strip() == "stop_first web: 2 -> 1"


@pytest.mark.parametrize("journal", [None, "{", AnsibleConnectionFailure("gone"), OSError(5, "i/o")])
def test_a_journal_that_cannot_be_read_is_left_out(build: Any, journal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _followed(_arguments(build), "local", journal, monkeypatch) == []


def test_a_connection_that_cannot_run_two_commands_is_not_asked(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _followed(_arguments(build), "network_cli", _journal(build), monkeypatch) == []


@pytest.mark.parametrize("spoiled", [{"run": "x"}, {"run": {"id": "x"}}, {"stack": {}}, {"stack": None}])
def test_what_the_module_will_refuse_is_sent_as_it_is(
    build: Any, spoiled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _followed({**_arguments(build), **spoiled}, "other", None, monkeypatch) == []
