# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of this machine, by the container that their control group names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils._container import Container

_PROC = Path("/proc")


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


def _groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text(encoding="ascii")
    except OSError:
        return ""
