# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _proc
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

ID, OTHER = "c" * 64, "d" * 64


def _process(root: Path, pid: str, container: str | None) -> Path:
    (root / pid).mkdir(parents=True)
    if container is not None:
        (root / pid / "cgroup").write_text(f"0::/docker/{container}\n")
    return root


@pytest.mark.parametrize(
    ("pid", "local"), [(os.getpid(), False), (4_000_000_000, False), (0, False)], ids=["mine", "gone", "none"]
)
def test_a_process_id_counts_only_where_its_control_group_names_the_container(
    build: Any, pid: int, local: bool
) -> None:
    """The engine may be another machine's: the same number is another process here."""
    assert _proc.is_local(build.container(pid=pid, id="c" * 64)) is local


def test_a_process_belongs_to_the_container_its_control_group_names(build: Any, tmp_path: Path) -> None:
    proc = _process(tmp_path, "7", ID)
    assert _proc.is_local(build.container(pid=7, id=ID), proc)
    assert not _proc.is_local(build.container(pid=7, id=OTHER), proc)


def test_processes_that_outlived_their_container_are_named(tmp_path: Path) -> None:
    for pid, owner in (("7", ID), ("8", OTHER), ("9", None), ("self", None)):
        _process(tmp_path, pid, owner)
    assert _proc.left_behind([ID], tmp_path) == [f"process 7 of {ID[:12]}"]
    assert _proc.left_behind(["e" * 64], tmp_path) == []
    assert _proc.left_behind([], tmp_path) == []


def _sleeper(directory: Path) -> subprocess.Popen[bytes]:
    directory.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=directory)


def test_who_works_in_a_directory_or_below_it_is_ended_and_nobody_else(tmp_path: Path) -> None:
    inside = [_sleeper(tmp_path / "trees"), _sleeper(tmp_path / "trees/one/app")]
    beside = _sleeper(tmp_path / "trees-of-others")
    try:
        (tmp_path / "link").symlink_to("trees")
        _proc.end_below(tmp_path / "link")
        assert [process.wait(5) for process in inside] == [-9, -9]
        assert beside.poll() is None
    finally:
        for process in (*inside, beside):
            process.kill()
            process.communicate()


def test_one_that_cannot_be_ended_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_proc, "_PATIENCE", 0)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    process = _sleeper(tmp_path)
    try:
        with pytest.raises(RollbackError, match=f"processes {process.pid} still work in"):
            _proc.end_below(tmp_path)
    finally:
        process.terminate()
        process.communicate()


def test_processes_are_listed_with_their_outermost_container(tmp_path: Path) -> None:
    for pid, owner in (("7", ID), ("8", f"{OTHER}/docker/{ID}"), ("9", None), ("self", None)):
        _process(tmp_path, pid, owner)
    (tmp_path / "10").mkdir()
    (tmp_path / "10/cgroup").write_text(f"0::/system.slice/docker-{ID}.scope\n")
    assert _proc.contained(tmp_path) == {7: ID, 8: OTHER, 10: ID}


def test_a_machine_that_is_a_container_itself_is_no_container_of_its_engine(tmp_path: Path) -> None:
    for pid, groups in {"self": f"/docker/{ID}", "7": f"/docker/{ID}", "8": f"/docker/{ID}/docker/{OTHER}"}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(f"4:memory:{groups}\n0::{groups}\n")
    assert _proc.contained(tmp_path) == {8: OTHER}
