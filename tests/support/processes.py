# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing a run as a power cut or an impatient person does: SIGKILL, no clean-up, at a moment of our choice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.tiered.rollback.tests.support import leaks


def kill_tree(root: int) -> None:
    """Kill a process and everything it started, children of children included, until none is left.

    Ansible's workers have sessions of their own, so a process group would miss them.
    """
    # Stopped before any is killed: the children of a killed one would be init's, and found no more.
    victims, known = {root}, set[int]()
    while victims != known:
        for pid in victims - known:
            _signal(pid, signal.SIGSTOP)
        known, parents = set(victims), _parents()
        while more := {pid for pid, parent in parents.items() if parent in victims} - victims:
            victims |= more
    for pid in victims:
        _signal(pid, signal.SIGKILL)


def kill_children(parent: int) -> None:
    """Kill what a process started, with all that it started in turn; the process itself is left to notice."""
    for child in [pid for pid, its_parent in _parents().items() if its_parent == parent]:
        kill_tree(child)


#: How a play that holds no lock is struck, by who is killed: it with all it started, or only what it started.
KILLS = {"play": kill_tree, "workers": kill_children}


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool], delay: float, timeout: float = 60) -> bool:
    """Kill a run with all it started once a moment is reached; False where it ended before that."""
    if not wait_for(process, reached, delay, timeout):
        return False
    alive = process.poll() is None
    kill_tree(process.pid)
    output, _unused = process.communicate()
    leaks.refuse(output or "")
    return alive


def wait_for(process: subprocess.Popen[str], reached: Callable[[], bool], delay: float, timeout: float = 60) -> bool:
    """Wait until a run has reached a moment, and a delay longer; False where it ended before that."""
    deadline = time.monotonic() + timeout
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    time.sleep(delay)
    return True


def kill_owner(path: Path) -> bool:
    """Kill the processes that have a file open, and nothing they started; False where there is none.

    The lock is open in the module's process on the target and, being closed on exec, in none of its tools.
    """
    found = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and _has_open(entry, path)]
    for entry in found:
        _signal(int(entry.name), signal.SIGKILL)
    return bool(found)


def _has_open(process: Path, path: Path) -> bool:
    try:
        return any(descriptor.readlink() == path for descriptor in (process / "fd").iterdir())
    except OSError:
        return False


def parent(stat: str) -> int:
    """Return field 4 of proc(5)'s stat, which follows the command's name; that may itself hold spaces."""
    return int(stat.rpartition(")")[2].split()[1])


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = parent((entry / "stat").read_text())
            except OSError:
                continue
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
