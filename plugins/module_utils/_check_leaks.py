# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that nothing of a project is left over: containers, networks, databases half made, processes, runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _pg_tools, _proc
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

SPEC: dict[str, dict[str, Any]] = {"leaks": {"type": "bool", "required": True}}
_HINT = (
    "cleanup.yml removes databases; docker compose up -d --remove-orphans removes containers, docker network rm "
    "networks. Look at each before."
)


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse it where it is to look for nothing."""
    if not values["leaks"]:
        raise RollbackError(f"{where}.leaks is false", "Leave the check out instead.")


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Look for all of it."""
    # A service may have any number of containers; one that the files do not name belongs to nobody.
    services = dict.fromkeys(subject.now.definition.get("services") or {}, 0)
    found = [] if (left := _checks.leftovers(subject.now, services, subject.engine)).ok else [left.found]
    for name, database in subject.databases.items():
        found += [f"{made}, half made, of database {name}" for made in database.half_made()]
    for described in subject.stack.postgres:
        found += [f"container {name}" for name in subject.engine.labelled(f"{_pg_tools.LABEL}={described.database}")]
    if any(_proc.is_local(container) for container in subject.now.containers):
        found += _orphans(subject)
    found += [subject.unfinished] if subject.unfinished else []
    return judge(found)


def judge(left: Sequence[str]) -> Found:
    """Judge that nothing was found."""
    return Found(ok=not left, expected="nothing left over", found="; ".join(left) or "none", hint=_HINT if left else "")


def _orphans(subject: Subject) -> list[str]:
    """Processes of containers that the engine does not know; a second look leaves out what was just ending."""
    first = _proc.contained()
    known = subject.engine.ids()
    gone = {owner for owner in first.values() if owner not in known}
    return [f"process {pid} of {owner[:12]}" for pid, owner in _proc.contained().items() if owner in gone]


KIND = Kind(key="leaks", spec=SPEC, look=look, refuse=refuse)
