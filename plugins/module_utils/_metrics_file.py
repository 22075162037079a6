# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a stack's metrics are written: beside its ledger, and where node_exporter reads text files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _ledger, _metrics
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

NAME = "metrics.prom"
#: node_exporter is another user.
_READABLE = 0o644


def write(state: Path, store: Store, stack: str, directory: str | None, warn: Callable[[str], None]) -> None:
    """Write the metrics of a stack; a run that is done never fails for them.

    :param directory: the directory of node_exporter's textfile collector; None: there is none.
    :param warn: told what could not be written.
    """
    try:
        points = [(point, store.proven(point.id) is not None) for point in store.points()]
        entries = _ledger.entries(state)
        text = _metrics.render(stack, entries, points).encode()
    except Exception as error:  # a ledger that was tampered with may hold anything
        warn(f"metrics could not be made: {error}")
        return
    if not entries and not points:
        # Whoever was refused the first thing they wanted has left nothing that could be measured.
        return
    places = [(state / NAME, _files.PRIVATE_FILE)]
    if directory is not None:
        places.append((Path(directory) / f"tiered_rollback_{stack}.prom", _READABLE))
    for path, mode in places:
        try:
            if _files.read(path) != text:
                _files.write(path, text, mode, durable=False)
        except OSError as error:
            warn(f"{path} could not be written: {error}")
