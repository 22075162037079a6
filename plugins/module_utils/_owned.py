# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack that one module owns while it works, for what leaves nothing of it to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _journal, _lock, _metrics_file
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context


@contextmanager
def stack(ctx: Context) -> Iterator[None]:
    """Keep others out while the block runs; what people follow of it is gone afterwards, and the metrics are new."""
    with _lock.held(ctx.state, ctx.run, ctx.module.params["lock_wait"]):
        try:
            yield
        finally:
            _files.remove(ctx.state / _journal.ACTIVITY)
            _metrics_file.write(ctx)
            _lock.release(ctx.state, ctx.run)
