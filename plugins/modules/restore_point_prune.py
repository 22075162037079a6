#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_point_prune
short_description: Remove restore points that have served their time
version_added: 1.0.0
description:
  - Removes points beyond the stack's C(keep) newest, unless they are younger than C(max_age_days).
  - Never removes what runs now, the newest proven point, a pinned one, or one that an unfinished or the newest run
    refers to.
  - Only image tags of this stack's own are taken away, also those of versions that no remaining point is of; what a
    registry holds stays there. C(major.minor) and C(previous) then are the newest that remain.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Keep the ten newest restore points
  tiered.rollback.restore_point_prune:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
"""

RETURN = r"""
removed:
  description: Ids of the points that were removed, or would be.
  returned: success
  type: list
  elements: str
kept:
  description: How many points stay.
  returned: success
  type: int
"""

from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _context,
    _current,
    _drivers,
    _image_tags,
    _journal,
    _ledger,
    _mcp_part,
    _owned,
    _retention,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC

OPTIONS = {**_context.RUN_OPTIONS, "lock_wait": {"type": "int", "default": 30}}


def act(ctx: Context) -> dict[str, Any]:
    """Remove what retention allows, or in check mode say what that is."""
    if ctx.module.check_mode:
        points, removed, _databases = _choose(ctx)
        return _result(points, removed)
    with _owned.stack(ctx):
        points, removed, databases = _choose(ctx)
        if removed:
            _take_tags(ctx, points, [point for point in points if point.id not in removed])
        for point in points:
            if point.id in removed:
                _remove(ctx, point, databases)
        _remove_snapshots(ctx, points, removed)
    return _result(points, removed)


def _choose(ctx: Context) -> tuple[list[RestorePoint], list[str], list[Database]]:
    points = list(ctx.store.points())
    # A stack with databases is captured again and again as it is, so that many points equal what runs.
    project, current = _current.points(ctx, points)
    same = {point.kind: point.id for point in current}
    kept = set(same.values())
    kept |= {point.id for point in points if ctx.store.pinned(point.id)}
    kept |= {entry[key] for entry in _ledger.runs(ctx.state)[-1:] for key in ("before", "target")}
    journal = _journal.load(ctx.state)
    if journal:
        kept |= {journal.target, str(journal.before)}
    removed = _retention.expendable(
        points,
        kept=kept,
        proven={point.id for point in points if ctx.store.proven(point.id)},
        keep=ctx.stack.keep,
        max_age_days=ctx.stack.max_age_days,
        today=datetime.now(UTC),
    )
    return points, removed, [database for database, _exchange in _drivers.of(ctx, project)]


def _take_tags(ctx: Context, points: list[RestorePoint], remaining: list[RestorePoint]) -> None:
    """Take the names of versions away that no remaining point is of; before the points, whose own tags keep images."""
    if ctx.stack.engine == _stack.SWARM:
        # Its points have none.
        return
    stack = ctx.stack.name
    for name in sorted(_image_tags.names(stack, points).keys() - _image_tags.names(stack, remaining).keys()):
        ctx.engine.untag(name)
    _capture.move_tags(ctx.engine, stack, remaining)


def _remove(ctx: Context, point: RestorePoint, databases: list[Database]) -> None:
    for database in databases:
        if database.name in point.databases:
            database.discard(database.staged_name(point.id))
    # The point first: a point whose image tags are gone could be offered though a prune has taken its images.
    ctx.store.remove(point.id)
    compose = ctx.stack.engine == _stack.COMPOSE
    for below in filter(None, (_image_tags.prefix(ctx.stack.name), ctx.stack.registry)) if compose else ():
        for name in _image_tags.of_point(point, below).values():
            ctx.engine.untag(name)


def _remove_snapshots(ctx: Context, points: list[RestorePoint], removed: list[str]) -> None:
    """Let go of the MCP snapshots that no remaining point needs; the points are gone, so this must not fail."""
    mcp = _mcp_part.of(ctx)
    needed = {point.mcp for point in points if point.id not in removed}
    for snapshot in {point.mcp for point in points if point.id in removed} - needed:
        if snapshot and mcp:
            try:
                mcp.remove(snapshot)
            except RollbackError as error:
                ctx.module.warn(f"MCP snapshot {snapshot} stays, though nothing needs it: {error.message}")


def _result(points: list[RestorePoint], removed: list[str]) -> dict[str, Any]:
    return {
        "changed": bool(removed),
        "removed": removed,
        "kept": len(points) - len(removed),
        "diff": {"before": "".join(f"{name}\n" for name in removed), "after": ""},
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
