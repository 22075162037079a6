# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the snapshot service of an MCP container is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Status
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

SPEC: dict[str, dict[str, Any]] = {"mcp": {"type": "str", "choices": ["health", "status"], "required": True}}
_WELL = "ok"


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse it where the stack describes no MCP service."""
    if stack.mcp is None:
        raise RollbackError(f"{where} is about MCP, and rollback_stack describes no mcp", "Give rollback_stack.mcp.")


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Ask the service."""
    if subject.mcp is None:
        raise RollbackError("the MCP service was left out of this run", "State mcp=true.")
    if values["mcp"] == "health":
        return judge(subject.mcp.health().status, None)
    status: Status = subject.mcp.status()
    return judge(status.status, status.last_error)


def judge(status: str, last_error: str | None) -> Found:
    """Judge what the service says of itself."""
    wrong = [status] if status != _WELL else []
    wrong += [f"last error: {last_error:.200}"] if last_error else []
    hint = "See the service's log; mcp_snapshot_info shows what it says of snapshots and the automatic rollback."
    return Found(ok=not wrong, expected=_WELL, found="; ".join(wrong) or _WELL, hint=hint if wrong else "")


KIND = Kind(key="mcp", spec=SPEC, look=look, refuse=refuse)
