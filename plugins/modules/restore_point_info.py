#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_point_info
short_description: List restore points and the history of runs
version_added: 1.0.0
description:
  - Lists every restore point with version, date, size, whether it is whole, proven, pinned and running now, the history
    of runs from the ledger (whose chain is checked), and a run that was not finished. Changes nothing.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: See what can be rolled back to
  tiered.rollback.restore_point_info:
    stack: "{{ rollback_stack }}"
  register: points
"""

RETURN = r"""
restore_points:
  description: Restore points, newest first. A damaged one has only C(id), C(whole) and C(problem).
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Its id., type: str}
    version: {description: Its version., type: str}
    kind:
      description: V(deploy), V(before) for the state before a run, V(partial) or V(release) for what a run went to.
      type: str
    created: {description: When it was captured; UTC in ISO 8601., type: str}
    size: {description: Bytes of the files and images it names., type: int}
    whole: {description: Whether every part is there and unchanged., type: bool}
    proven: {description: Whether it was proven., type: bool}
    pinned: {description: Whether retention leaves it alone., type: bool}
    running: {description: Whether it is what runs now., type: bool}
    images_missing: {description: Services whose image is not on this host., type: list, elements: str}
    problem: {description: What is damaged; empty where nothing is., type: str}
history:
  description: Entries of the ledger, newest first.
  returned: success
  type: list
  elements: dict
unfinished:
  description: The run that was not finished, in words; null where there is none.
  returned: success
  type: str
quarantined:
  description: >-
    Versions that are neither deployed nor rolled back to until M(tiered.rollback.quarantine) releases them, the newest
    first, with C(version), C(since), C(run) and C(reason).
  returned: success
  type: list
  elements: dict
lock_holder:
  description: The run that holds the stack, in words; null where there is none.
  returned: success
  type: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _current,
    _journal,
    _ledger,
    _lock,
    _quarantine,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def act(ctx: Context) -> dict[str, Any]:
    """List what is at hand."""
    points = list(ctx.store.points())
    running = {point.id for point in _current.points(ctx, points)[1]}
    readable = {point.id for point in points}
    listed = [_describe(ctx, point, point.id in running) for point in reversed(points)]
    listed += [
        {"id": point_id, "whole": False, "problem": "its manifest is missing, was changed or cannot be read"}
        for point_id in ctx.store.ids()
        if point_id not in readable
    ]
    entries = _ledger.entries(ctx.state)
    journal, holder = _journal.load(ctx.state), _lock.holder(ctx.state)
    return {
        "changed": False,
        "restore_points": listed,
        "history": entries[::-1],
        "quarantined": [held.to_dict() for held in reversed(_quarantine.held(entries).values())],
        "unfinished": journal.run.describe() if journal else None,
        "lock_holder": holder.describe() if holder else None,
    }


def _describe(ctx: Context, point: Any, running: bool) -> dict[str, Any]:
    problem = _problem(ctx, point)
    return {
        "id": point.id,
        "version": point.version,
        "kind": point.kind,
        "created": point.created,
        "size": point.size,
        "whole": not problem,
        "proven": bool(ctx.store.proven(point.id)),
        "pinned": ctx.store.pinned(point.id),
        "running": running,
        "images_missing": _missing(ctx, point),
        "problem": problem,
    }


def _missing(ctx: Context, point: Any) -> list[str]:
    if ctx.stack.engine == _stack.SWARM:
        return [n for n, part in point.services.items() if not all(map(ctx.swarm.has_image, part.digests))]
    return [name for name, part in point.services.items() if ctx.engine.image(part.image_id) is None]


def _problem(ctx: Context, point: Any) -> str:
    try:
        ctx.store.verify(point)
    except RollbackError as error:
        return error.message
    return ""


def main() -> None:
    """Run the module."""
    _context.main(act, _context.STACK_OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
