# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""auto-rollback.yml on the real engine, run as a rulebook runs it: it rolls back once, and never in a loop."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _lock, _run
from ansible_collections.tiered.rollback.tests.support.inbox import opened
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_EVENT = {"source": "url_health", "severity": "high", "issue": "health_check_failure", "service": "api"}


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Stack:
    """A stack whose newest version fails."""
    made: Stack = make_stack()
    made.upgrade()
    made.trouble("v1.0.0", "broken")
    return made


def _event(on: Stack, /, **changes: Any) -> Outcome:
    return on.run("auto-rollback.yml", rollback_request={"stack": on.name, **_EVENT, **changes})


def _somebody() -> _run.Run:
    pid = os.getpid()
    return _run.Run(
        id="20261120T100000Z-000001",
        started="2026-11-20T10:00:00.000+00:00",
        user="olga",
        host=platform.node(),
        boot=_run.boot_id(),
        pid=pid,
        pid_started=_run.process_started(pid) or 0,
        playbook="deploy.yml",
    )


def test_what_is_not_for_it_moves_nothing(stack: Stack, tmp_path: Path) -> None:
    before = stack.snapshot()
    mark = tmp_path / "evaluated"
    evil = _event(stack, version="{{ lookup('pipe', 'touch " + str(mark) + "') }}")
    assert evil.rc != 0
    assert "version has an unsafe or malformed value" in evil.said
    assert not mark.exists()

    foreign = _event(stack, stack="another-stack")
    assert foreign.rc != 0
    assert "No host of the inventory has the stack another-stack" in foreign.said

    somebody = _somebody()
    with _lock.held(stack.state / stack.name, somebody, 0):
        pass
    busy = _event(stack).ok()
    assert "nothing: somebody is at work" in busy.said
    assert "by olga@" in busy.said
    _lock.release(stack.state / stack.name, somebody)
    assert stack.snapshot() == before


def test_it_rolls_back_once_and_what_fails_after_that_is_for_people(stack: Stack) -> None:
    with opened() as inbox:
        stack.variables = {"rollback_notify": [{"type": "webhook", "url": f"{inbox.url}/people"}]}

        back = _event(stack).ok()
        assert stack.ask().version == "v0.9.0"
        (entry,) = stack.ledger()
        assert (entry["tier"], entry["from_version"], entry["outcome"]) == (1, "v1.0.0", "succeeded")
        assert entry["event"] == _EVENT
        assert entry["reason"] == "url_health: high/health_check_failure of api"
        assert entry["decision"]["row"] == "high/health_check_failure"
        assert [body["event"] for body in inbox.bodies["/people"]] == ["success"]
        assert "was rolled back by itself, from v1.0.0 to v0.9.0" in inbox.bodies["/people"][0]["subject"], back.said

        rolled_back = stack.ids()
        replayed = _event(stack).ok()
        assert "nothing: v0.9.0 is healthy" in replayed.said

        stack.trouble("v0.9.0", "broken")
        second = _event(stack)
        assert second.rc != 0
        assert "took the stack to v0.9.0, which fails as well" in second.said
        again = _event(stack)
        assert again.rc != 0
        assert (stack.ids(), len(stack.ledger())) == (rolled_back, 1)
        assert [body["event"] for body in inbox.bodies["/people"]] == ["success", "failure"]
        assert "needs people" in inbox.bodies["/people"][1]["subject"]
