# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restore points equal what runs now, whatever runs it."""

from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils import _equal, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe


def points(ctx: Context, known: list[RestorePoint]) -> tuple[str, list[RestorePoint]]:
    """Return the name of the project that runs, and those of the points that equal it, in their order."""
    if ctx.stack.engine == _stack.SWARM:
        from ansible_collections.tiered.rollback.plugins.module_utils import _swarm_point

        seen = _swarm_point.look(ctx)
        return seen.project, _swarm_point.equal_points(ctx.stack, ctx.store, seen, known)
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    return now.project, _equal.points(ctx.stack, ctx.store, now, known)
