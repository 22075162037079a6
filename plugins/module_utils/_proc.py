# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of this machine, by the container that their control group names, or by where they work."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_PROC = Path("/proc")
_PATIENCE = 10
#: A container in a control group's path, the outermost first, as Docker's two drivers for them spell it.
_CONTAINER = re.compile(r"/docker[-/]([0-9a-f]{64})")


def is_local(container: Container, proc: Path = _PROC) -> bool:
    """Whether the container's process id means anything on this machine (the engine may be another host's)."""
    return container.pid > 0 and container.id in _groups(proc / str(container.pid))


def left_behind(container_ids: Collection[str], proc: Path = _PROC) -> list[str]:
    """Return the processes, as ``process 123 of 0123456789ab``, that outlived their containers."""
    if not container_ids:
        return []
    found = []
    for entry in proc.iterdir():
        groups = _groups(entry) if entry.name.isdigit() else ""
        found += [f"process {entry.name} of {owner[:12]}" for owner in container_ids if owner in groups]
    return found


def contained(proc: Path = _PROC) -> dict[int, str]:
    """Return the id of the container that each process belongs to, of those that belong to one.

    Where this machine is a container itself, that one is the machine.
    """
    machine = set(_CONTAINER.findall(_groups(proc / "self")))
    found = {
        int(entry.name): [each for each in _CONTAINER.findall(_groups(entry)) if each not in machine]
        for entry in proc.iterdir()
        if entry.name.isdigit()
    }
    return {pid: owners[0] for pid, owners in found.items() if owners}


def end_below(directory: Path) -> None:
    """Kill the processes that work in a directory of our own, or below it, and wait until they are gone."""
    deadline = time.monotonic() + _PATIENCE
    while found := _working_below(directory.resolve()):
        if time.monotonic() > deadline:
            raise RollbackError(
                f"processes {', '.join(map(str, found))} still work in {directory}", "End them; then run this again."
            )
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _working_below(directory: Path) -> list[int]:
    found = []
    for entry in _PROC.iterdir():
        # One that has ended meanwhile, or is another user's, works nowhere that could be seen.
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(directory):
                found.append(int(entry.name))
    return found


def _groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text(encoding="ascii")
    except OSError:
        return ""
