# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a service's containers: state, health, how often each was restarted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

SPEC: dict[str, dict[str, Any]] = {
    "container": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["running", "exited"], "default": "running"},
    "health": {"type": "str", "choices": ["healthy", "any"], "default": "healthy"},
    "replicas": {"type": "int", "default": 1},
    "restarts": {"type": "int"},
}


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse what no project could meet."""
    if values["replicas"] < 1:
        raise RollbackError(f"{where}.replicas must be 1 or more", "It is how many containers there are at least.")


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Look at the containers as they are now."""
    containers = subject.engine.containers(subject.now.project)
    return judge([each for each in containers if each.service == values["container"]], values)


def judge(containers: Sequence[Container], values: Mapping[str, Any]) -> Found:
    """Compare a service's containers with what is wanted."""
    service, running, most = values["container"], values["state"] == "running", values["restarts"]
    wrong = []
    if len(containers) < values["replicas"]:
        wrong.append(f"{len(containers)} of {values['replicas']} containers exist")
    for each in containers:
        healthy = each.good or (each.running and values["health"] == "any")
        # A job that has ended well is what is wanted of it, and nothing else.
        if not (healthy if running else not each.running and each.exit_code == 0):
            wrong.append(f"{each.name} is {each.state}")
        elif most is not None and each.restarts > most:
            wrong.append(f"{each.name} was restarted {each.restarts} times")
    expected = ["running" + (", healthy" if values["health"] == "healthy" else "") if running else "ended with 0"]
    expected += [] if most is None else [f"restarted at most {most} times"]
    return Found(
        ok=not wrong,
        expected=", ".join(expected),
        found="; ".join(wrong) or f"{len(containers)} as wanted",
        hint=f"docker compose logs {service} says why." if wrong else "",
    )


KIND = Kind(key="container", spec=SPEC, look=look, refuse=refuse)
