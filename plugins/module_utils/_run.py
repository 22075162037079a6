# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs what: the identity that lock, journal, ledger and report share (pure but for two /proc reads)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _shape
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a playbook, as the controller's ``launch`` action states it.

    :param id: UTC time and six random hexadecimal digits; sorts by time.
    :param started: UTC, ISO 8601.
    :param boot: boot id of the controller, so that its process ids mean something.
    :param decision: what the decision matrix says to it, who has approved it and why the matrix is overridden, as
        ``_enforcement`` records it; None where neither severity nor issue was stated.
    :param began_at: when what it mends began, and *detected_at* when that was seen; UTC, as stated at launch.
    :param escalation: whom to call, in order; each with role, contact, response (seconds) and authority.
    :param pid: process of ``ansible-playbook``; *pid_started* tells a reused number apart (clock ticks since boot).
    """

    id: str
    started: str
    user: str
    host: str
    boot: str
    pid: int
    pid_started: int
    playbook: str
    reason: str = ""
    decision: dict[str, Any] | None = None
    escalation: list[dict[str, Any]] | None = None
    began_at: str | None = None
    detected_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON types."""
        return asdict(self)

    def describe(self) -> str:
        """Name the run for a person."""
        return f"run {self.id} ({self.playbook}) by {self.user}@{self.host}, process {self.pid}, since {self.started}"


def from_dict(raw: Any) -> Run:
    """Read a run; raises ValueError for anything malformed."""
    run = _shape.read(Run, raw, "run")
    if not _ID.fullmatch(run.id):
        raise ValueError(f"malformed run id: {run.id!r:.60}")
    return run


def given(raw: Any) -> Run:
    """Read the run that a module was given; raises RollbackError for anything that launch did not make."""
    try:
        return from_dict(raw)
    except (TypeError, ValueError) as error:
        raise RollbackError(
            f"run is malformed: {error}",
            "Register what tiered.rollback.launch returns as rollback_launch, and pass rollback_launch.run.",
        ) from error


def seconds_between(begin: str, end: str) -> float:
    """Return the seconds from one ISO 8601 time to another."""
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds(), 3)


def boot_id() -> str:
    """Return the kernel's boot id of this machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def process_started(pid: int) -> int | None:
    """Return when a process started (clock ticks since boot), or None where it is gone.

    Field 22 of proc(5)'s stat; the command name before it may itself hold spaces and parentheses.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def known_dead(run: Run) -> bool:
    """Whether the run's process is certainly gone; False where this machine cannot know."""
    return run.boot == boot_id() and process_started(run.pid) != run.pid_started


def dead_holder(result: Mapping[str, Any]) -> str | None:
    """Return the id of the run that held the lock a module failed on, where that run is known to be dead."""
    holder = result.get("lock_holder") if result.get("failed") else None
    return str(holder["id"]) if holder and known_dead(from_dict(holder)) else None
