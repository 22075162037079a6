# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of an MCP container as a part of restore points: a snapshot that its service keeps for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _mcp
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp, Snapshot

_NAME = "restore point "
_WITHOUT = "State -e mcp=false to leave the MCP container's data as it is."


def of(ctx: Context) -> Mcp | None:
    """Return the snapshot API of a module's stack; None where it describes none, or asks to leave it alone."""
    api = ctx.stack.mcp
    if api is None or not ctx.module.params.get("mcp", True):
        return None
    return _mcp.of(api)


def capture(mcp: Mcp, point_id: str) -> str:
    """Take the snapshot of a restore point, which stays until the point is removed."""
    return mcp.snapshot(f"{_NAME}{point_id}", keep=True).id


def capture_before(mcp: Mcp, point_id: str, warn: Callable[[str], None]) -> str | None:
    """Take the snapshot of the state before a run, or say why there is none: a broken stack may not answer."""
    try:
        return capture(mcp, point_id)
    except RollbackError as error:
        warn(f"no snapshot of the MCP data before this run: {error.message}. The service saves what a restore replaces")
        return None


def see(mcp: Mcp | None, point: RestorePoint, warn: Callable[[str], None]) -> None:
    """See that a point's snapshot is there, as far as the service answers before the rollback.

    :raises RollbackError: when it is gone, or the stack's description names no service.
    """
    if mcp is None:
        raise RollbackError(
            f"restore point {point.id} holds MCP data, and rollback_stack describes no mcp",
            f"Describe it as it was when the point was captured. {_WITHOUT}",
        )
    try:
        _mcp.pick(mcp.snapshots(), point.mcp or "")
    except RollbackError as error:
        if "snapshots" in error.facts:
            raise RollbackError(f"the MCP data of {point.id} is gone: {error.message}", _WITHOUT) from error
        warn(f"the MCP service does not answer now, so its snapshot is looked for after the switch: {error.message}")


def choose(snapshots: Sequence[Snapshot], wanted: str | None, levels: int | None) -> Snapshot:
    """Return the snapshot that is meant by an id, or by a number of levels back from now.

    The states that runs captured before themselves are no levels: the same command twice would return to the first.
    """
    if wanted is not None:
        return _mcp.pick(snapshots, wanted)
    found = [
        each for each in snapshots if each.level is not None and not each.description.startswith(f"{_NAME}before-")
    ]
    if levels is None or not 1 <= levels <= len(found):
        raise RollbackError(
            f"{levels} levels back were asked for, and there are {len(found)}",
            "mcp_snapshot_info lists the snapshots; nothing was touched.",
        )
    return found[levels - 1]


def equal(mcp: Mcp | None, snapshot: str | None) -> str | None:
    """Return the snapshot where the data equals it already, as far as the service can say."""
    if mcp is None or snapshot is None:
        return None
    try:
        return None if mcp.restore(snapshot, dry_run=True).changed else snapshot
    except RollbackError:
        return None


def restore(mcp: Mcp, snapshot: str) -> dict[str, Any]:
    """Bring a snapshot's data back, and say what that did, as JSON types.

    :raises RollbackError: when the service does not answer by now, or refuses.
    """
    try:
        _mcp.pick(mcp.snapshots(), snapshot)
        done = mcp.restore(snapshot)
    except RollbackError as error:
        raise RollbackError(
            f"the MCP data cannot be brought back: {error.message}", f"{error.hint} {_WITHOUT}"
        ) from error
    return {
        "restored": snapshot,
        "changed": done.changed,
        "files_changed": done.files_changed,
        "before": done.before.id if done.before else None,
    }
