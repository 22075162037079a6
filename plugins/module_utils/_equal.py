# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restore points equal what runs."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.tiered.rollback.plugins.module_utils import _plan
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store


def points(stack: Stack, store: Store, now: Observed, known: list[RestorePoint]) -> list[RestorePoint]:
    """Return the points that what runs now already equals: those to which the plan is empty.

    What the application keeps itself is not asked for: it may not answer.
    """
    found = []
    for point in known:
        try:
            if not _plan.plan(stack, now, replace(point, flags={}, mcp=None), store.definition(point)).steps:
                found.append(point)
        except RollbackError:
            continue
    return found
