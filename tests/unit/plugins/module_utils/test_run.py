# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _run
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def test_a_run_survives_being_passed_to_a_module(build: Any) -> None:
    run = build.run(reason="slow")
    assert _run.from_dict(run.to_dict()) == run


def test_a_run_of_before_there_were_decisions_is_read(build: Any) -> None:
    raw = build.run().to_dict()
    del raw["decision"]
    assert _run.from_dict(raw) == build.run()


def test_a_run_is_named_with_who_where_and_since_when(build: Any) -> None:
    text = build.run(1).describe()
    assert text.startswith("run 20261120T100000Z-000001 (tier1-emergency.yml) by olga@control, process ")
    assert text.endswith("since 2026-11-20T10:00:00.000+00:00")


@pytest.mark.parametrize(
    "change",
    [{"id": "../x"}, {"id": "20261120T100000Z-00000G"}, {"id": ""}, {"id": None}, {"surprise": 1}],
)
def test_a_malformed_run_is_refused(build: Any, change: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        _run.from_dict({**build.run().to_dict(), **change})


def test_a_run_without_a_key_is_refused(build: Any) -> None:
    raw = build.run().to_dict()
    del raw["boot"]
    with pytest.raises(ValueError, match=r"run\.boot is missing"):
        _run.from_dict(raw)


def test_a_process_is_known_by_when_it_started() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = _run.process_started(child.pid)
    assert started is not None
    assert started == _run.process_started(child.pid)
    child.communicate(b"\n")
    assert _run.process_started(child.pid) is None


def test_a_process_that_ended_but_was_not_waited_for_counts_as_gone() -> None:
    child = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    while _run.process_started(child.pid) is not None:
        pass
    child.wait()


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"pid_started": 1}, True),
        ({"pid": 2**22 + 1}, True),
        # Another machine's, or this one's before it was booted again: nobody here can know.
        ({"pid_started": 1, "boot": "00000000-0000-0000-0000-000000000000"}, False),
    ],
)
def test_only_a_process_of_this_boot_is_known_to_be_dead(build: Any, change: dict[str, Any], dead: bool) -> None:
    assert _run.known_dead(build.run(**change)) is dead


def test_the_lock_is_taken_over_only_where_a_module_failed_on_that_of_a_dead_run(build: Any) -> None:
    dead, alive = build.run(pid_started=1), build.run()
    assert _run.dead_holder({"failed": True, "lock_holder": dead.to_dict()}) == dead.id
    assert _run.dead_holder({"failed": True, "lock_holder": alive.to_dict()}) is None
    assert _run.dead_holder({"failed": False, "lock_holder": dead.to_dict()}) is None
    assert _run.dead_holder({"failed": True, "lock_holder": None}) is None
    assert _run.dead_holder({"failed": True}) is None


@pytest.mark.parametrize("raw", [{}, {"id": "x"}, None, "x"])
def test_a_run_that_was_not_made_by_launch_is_refused(raw: Any) -> None:
    with pytest.raises(RollbackError, match=r"run is malformed[\s\S]*\nHINT: Register what"):
        _run.given(raw)
