# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack is watched for real: to the end where it is well, and broken off and taken back where it is not."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.task import call

_FAST = {"watch_interval": 0.5}


@pytest.fixture
def stack(make_stack: Any) -> Stack:
    made: Stack = make_stack()
    made.compose({"api": made.published()})
    made.deploy("v0.9.0")
    return made


def _launched(stack: Stack, tmp_path: Path, **options: Any) -> dict[str, Any]:
    run = {
        "id": "20261120T100000Z-000001", "started": "2026-11-20T10:00:00.000+00:00", "user": "olga", "host": "control",
        "boot": "", "pid": 1, "pid_started": 0, "playbook": "watch.yml", "reason": "",
    }  # fmt: skip
    given = {"stack": stack.description, "state_dir": str(stack.state), "run": run, "interval": 0.5, **options}
    return call(stack, tmp_path, "watch", **given)


def test_a_stack_that_is_well_is_watched_to_the_end_and_figures_are_real(stack: Stack, tmp_path: Path) -> None:
    found = _launched(stack, tmp_path, minutes=0.05)
    assert found["breach"] == ""
    assert found["samples"] >= 3
    (container,) = found["containers"]
    assert container["restarts"] == 0
    assert 1e6 < container["memory_bytes"] < 1e9


@contextmanager
def _again_and_again(stack: Stack, *command: str) -> Iterator[None]:
    """Run a command in the container every two seconds: on a busy machine nobody knows when the watch begins."""
    (container,) = stack.containers("api")
    over = threading.Event()

    def disturb() -> None:
        while not over.wait(2):
            subprocess.run(["docker", "exec", container["Id"], *command], capture_output=True, check=False)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_restart_error_lines_and_a_budget_each_break_it_off(stack: Stack, tmp_path: Path) -> None:
    # Of a client that goes away the application itself prints a line or two.
    with _again_and_again(stack, "sh", "-c", "for n in $(seq 20); do echo FATAL $n >/proc/1/fd/1; done"):
        found = _launched(stack, tmp_path, minutes=1, error_lines=15)
    assert "errors of" in found["breach"]

    with _again_and_again(stack, "timeout", "4", "sh", "-c", "while :; do :; done"):
        found = _launched(stack, tmp_path, minutes=1, cpu=20)
    assert "cpu of" in found["breach"]

    found = _launched(stack, tmp_path, minutes=1, memory=0.001)
    assert "memory of" in found["breach"]
    assert found["samples"] == 3


def test_a_container_that_is_restarted_breaks_it_off(make_stack: Any, tmp_path: Path) -> None:
    stack: Stack = make_stack()
    stack.compose({"api": stack.published(restart="always")})
    stack.deploy("v0.9.0")
    with _again_and_again(stack, "sh", "-c", "kill 1"):
        found = _launched(stack, tmp_path, minutes=1, failures=1000)
    assert "restarts of" in found["breach"]


def test_the_playbook_shows_samples_live_and_fails_or_rolls_back_as_it_is_told(stack: Stack) -> None:
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    stack.trouble("v1.0.0", "broken")

    failed = stack.run("watch.yml", **_FAST)
    assert failed.rc != 0
    assert "failed 3 times in a row: status 500" in failed.said
    assert "tier1-emergency.yml -e version=previous" in failed.said
    assert stack.ask().version == "v1.0.0"
    # As it came, before the table of the end.
    assert "... " in failed.said.split("Show what was seen")[0]

    back = stack.run("watch.yml", on_breach="rollback", **_FAST)
    assert back.rc != 0
    assert "was taken back to the version before" in back.said
    assert stack.ask().version == "v0.9.0"

    refused = stack.run("watch.yml", on_breach="pray", **_FAST)
    assert refused.rc != 0
    assert "fail, rollback or undo" in refused.said


def test_undo_brings_the_state_before_the_newest_rollback_back(stack: Stack) -> None:
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    stack.rollback("v0.9.0").ok()
    stack.trouble("v0.9.0", "broken")
    undone = stack.run("watch.yml", on_breach="undo", **_FAST)
    assert undone.rc != 0
    assert "was brought back" in undone.said, undone.said
    assert stack.ask().version == "v1.0.0"
