# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a stack's metrics are written: beside its ledger, and where node_exporter reads text files."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _ledger, _metrics
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

NAME = "metrics.prom"
#: node_exporter is another user.
_READABLE = 0o644


def write(ctx: Context) -> None:
    """Write the metrics of a stack anew; a run that is done never fails for them.

    To be called by who holds the stack, when ledger or restore points have changed.
    """
    stack = ctx.stack
    try:
        points = [(point, ctx.store.proven(point.id) is not None) for point in ctx.store.points()]
        entries = _ledger.entries(ctx.state)
        text = _metrics.render(stack.name, entries, points).encode()
    except Exception as error:  # a ledger that was tampered with may hold anything
        ctx.module.warn(f"metrics could not be made: {error}")
        return
    if not entries and not points:
        # Whoever was refused the first thing they wanted has left nothing that could be measured.
        return
    places = [(ctx.state / NAME, _files.PRIVATE_FILE)]
    if stack.metrics is not None:
        places.append((Path(stack.metrics) / f"tiered_rollback_{stack.name}.prom", _READABLE))
    for path, mode in places:
        try:
            if _files.read(path) != text:
                _files.write(path, text, mode, durable=False)
        except OSError as error:
            ctx.module.warn(f"{path} could not be written: {error}")
