# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by a command in a container of a service: its exit code, and what it prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _command
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._command import CommandError
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

SPEC: dict[str, dict[str, Any]] = {
    "command": {"type": "list", "elements": "str", "required": True},
    "service": {"type": "str", "required": True},
    "exit_code": {"type": "int", "default": 0},
    "output": {"type": "str"},
    "timeout": {"type": "float", "default": 30.0},
}


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse an empty command and a pattern that is none."""
    if not values["command"]:
        raise RollbackError(f"{where}.command is empty", "Give a program and its arguments, as a list.")
    try:
        re.compile(values["output"] or "")
    except re.error as error:
        raise RollbackError(
            f"{where}.output is no regular expression: {error}", "Put a backslash before what has a meaning there."
        ) from error


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Run it in the first container of the service that runs."""
    service = values["service"]
    running = [each for each in subject.engine.containers(subject.now.project) if each.service == service]
    container = next((each for each in running if each.running), None)
    if container is None:
        raise RollbackError(f"no container of service {service} runs", f"docker compose logs {service} says why.")
    argv = ["docker", "exec", container.id, *values["command"]]
    try:
        printed = _command.run(argv, timeout=values["timeout"], merged=True, accept=(values["exit_code"],))
    except CommandError as error:
        return judge(error.code, "", values)
    except RollbackError as error:
        # Its message names the container by its id.
        raise RollbackError(
            f"{values['command'][0]} was not done within {values['timeout']:g} s", "It may still run in the container."
        ) from error
    return judge(values["exit_code"], printed, values)


def judge(code: int, printed: str, values: Mapping[str, Any]) -> Found:
    """Compare exit code and output with what is wanted; the output is never shown, since it may hold secrets."""
    pattern = values["output"]
    wrong = ""
    if code != values["exit_code"]:
        wrong = f"exit code {code}"
    elif pattern is not None and not re.search(pattern, printed, re.MULTILINE):
        wrong = f"{len(printed.splitlines())} lines, none of which matches"
    expected = f"exit code {values['exit_code']}" + (f", output matching {pattern!r:.80}" if pattern else "")
    hint = f"See for yourself: docker compose exec {values['service']} and the command of this check."
    return Found(ok=not wrong, expected=expected, found=wrong or "as wanted", hint=hint if wrong else "")


KIND = Kind(key="command", spec=SPEC, look=look, refuse=refuse)
