# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _lock, _run
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

ELSEWHERE = {"boot": "00000000-0000-0000-0000-000000000000", "host": "other"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lock, "_POLL", 0.01)


def _dead_run(build: Any) -> Run:
    """A run whose process lived on this machine and has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = _run.process_started(child.pid)
    child.communicate(b"\n")
    run: Run = build.run(9, pid=child.pid, pid_started=started)
    return run


def test_a_run_owns_the_stack_between_its_modules_until_it_gives_it_free(tmp_path: Path, build: Any) -> None:
    run = build.run(1)
    with _lock.held(tmp_path, run, wait=0):
        assert _lock.holder(tmp_path) == run
    assert _lock.holder(tmp_path) == run
    with _lock.held(tmp_path, run, wait=0):
        _lock.release(tmp_path, run)
    assert _lock.holder(tmp_path) is None


def test_the_lock_is_for_its_owner_only(tmp_path: Path, build: Any) -> None:
    with _lock.held(tmp_path / "state", build.run(), wait=0):
        pass
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "lock").stat().st_mode & 0o777 == 0o600


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path: Path, build: Any) -> None:
    first, second = build.run(1), build.run(2)
    with _lock.held(tmp_path, first, wait=0):
        pass
    message = f"another run holds this stack: run {first.id}"
    with pytest.raises(RollbackError, match=message) as caught, _lock.held(tmp_path, second, wait=0):
        pass
    assert caught.value.facts["lock_holder"] == first.to_dict()
    assert _lock.holder(tmp_path) == first


def test_a_second_run_waits_a_bounded_time_and_gets_the_lock_when_it_is_free(tmp_path: Path, build: Any) -> None:
    first, second = build.run(1), build.run(2)
    with _lock.held(tmp_path, first, wait=0):
        pass
    begun = time.monotonic()
    with pytest.raises(RollbackError), _lock.held(tmp_path, second, wait=0.1):
        pass
    assert 0.1 <= time.monotonic() - begun < 2
    timer = threading.Timer(0.05, _lock.release, (tmp_path, first))
    timer.start()
    with _lock.held(tmp_path, second, wait=5):
        assert _lock.holder(tmp_path) == second
    timer.join()


def test_two_modules_never_overlap_even_in_one_run(tmp_path: Path, build: Any) -> None:
    run = build.run(1)
    first, second = (_lock.held(tmp_path, run, wait=0) for _unused in range(2))
    with first, pytest.raises(RollbackError, match=run.id), second:
        pass


def test_a_module_that_was_killed_inside_frees_the_kernels_lock(tmp_path: Path, build: Any) -> None:
    code = (
        "import fcntl, os, sys\n"
        "fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "input()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(RollbackError, match="a module that has just begun"), _lock.held(tmp_path, build.run(), wait=0):
        pass
    holder.kill()
    holder.communicate()
    with _lock.held(tmp_path, build.run(), wait=0):
        assert _lock.holder(tmp_path) == build.run()


def test_a_run_whose_process_is_dead_is_taken_over(tmp_path: Path, build: Any) -> None:
    with _lock.held(tmp_path, _dead_run(build), wait=0):
        pass
    with _lock.held(tmp_path, build.run(2), wait=0):
        assert _lock.holder(tmp_path) == build.run(2)


def test_a_run_from_another_machine_is_taken_over_when_the_controller_knows_it_is_dead(
    tmp_path: Path, build: Any
) -> None:
    first, second = build.run(1, **ELSEWHERE), build.run(2)
    with _lock.held(tmp_path, first, wait=0):
        pass
    with pytest.raises(RollbackError), _lock.held(tmp_path, second, wait=0, dead_run="20261120T100000Z-ffffff"):
        pass
    with _lock.held(tmp_path, second, wait=0, dead_run=first.id):
        assert _lock.holder(tmp_path) == second


@pytest.mark.parametrize(("age", "free"), [(_lock.LEASE - 60, False), (_lock.LEASE + 1, True)])
def test_a_run_from_another_machine_owns_the_stack_for_its_lease(
    tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch, age: float, free: bool
) -> None:
    with _lock.held(tmp_path, build.run(1, **ELSEWHERE), wait=0):
        pass
    later = time.time() + age
    monkeypatch.setattr(time, "time", lambda: later)
    if free:
        with _lock.held(tmp_path, build.run(2), wait=0):
            assert _lock.holder(tmp_path) == build.run(2)
    else:
        with pytest.raises(RollbackError), _lock.held(tmp_path, build.run(2), wait=0):
            pass


def test_a_lease_begins_again_when_a_module_ends(tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with _lock.held(tmp_path, build.run(1), wait=0):
        later = time.time() + 500
        monkeypatch.setattr(time, "time", lambda: later)
    assert json.loads((tmp_path / "lock").read_bytes())["until"] == later + _lock.LEASE


def test_only_its_owner_gives_a_stack_free(tmp_path: Path, build: Any) -> None:
    with _lock.held(tmp_path, build.run(1), wait=0):
        pass
    _lock.release(tmp_path, build.run(2))
    assert _lock.holder(tmp_path) == build.run(1)


def test_giving_free_what_was_never_held_is_no_error(tmp_path: Path, build: Any) -> None:
    (tmp_path / "lock").touch()
    _lock.release(tmp_path, build.run(1))
    assert _lock.holder(tmp_path) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=80))
@example(data=b'{"until": null, "run": {}}')
@example(data=b'{"until": 99999999999, "run": {"id": "x"}}')
@example(data=b"[1]")
@example(data=b"7")
def test_text_torn_by_a_kill_never_keeps_anyone_out(tmp_path: Path, build: Any, data: bytes) -> None:
    (tmp_path / "lock").write_bytes(data)
    assert _lock.holder(tmp_path) is None
    with _lock.held(tmp_path, build.run(3), wait=0):
        assert _lock.holder(tmp_path) == build.run(3)


def test_an_owners_text_cut_anywhere_never_keeps_anyone_out(tmp_path: Path, build: Any) -> None:
    with _lock.held(tmp_path, build.run(1), wait=0):
        pass
    whole = (tmp_path / "lock").read_bytes()
    for end in range(len(whole)):
        (tmp_path / "lock").write_bytes(whole[:end])
        with _lock.held(tmp_path, build.run(2), wait=0):
            assert _lock.holder(tmp_path) == build.run(2)


def test_a_block_that_fails_keeps_the_run_as_owner_and_frees_the_kernels_lock(tmp_path: Path, build: Any) -> None:
    with pytest.raises(OSError, match="full"), _lock.held(tmp_path, build.run(1), wait=0):
        raise OSError("full")
    assert _lock.holder(tmp_path) == build.run(1)
    with _lock.held(tmp_path, build.run(1), wait=0):
        pass
    assert os.listdir(tmp_path) == ["lock"]  # noqa: PTH208
