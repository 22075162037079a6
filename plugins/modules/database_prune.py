#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_prune
short_description: Remove databases that rollbacks put aside long ago, and half-made ones
version_added: 1.0.0
description:
  - A rollback keeps the database that it displaces, with every row, under a name that says which run displaced it. This
    removes those that are older than O(older_than_days).
  - The newest of each database always stays, whatever its age, and nothing is removed while a run is unfinished.
  - What a killed run or capture left half restored beside a live database is removed whatever its age. Nobody else
    works on the stack meanwhile; a restore by the module M(tiered.rollback.pg_restore) that is at work is ended by it.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  older_than_days:
    description: Days that a displaced database is kept at least.
    type: int
    default: 30
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Remove what rollbacks put aside more than two weeks ago
  tiered.rollback.database_prune:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    older_than_days: 14
"""

RETURN = r"""
removed:
  description: What was removed, or would be, with C(database), C(name), C(run), C(at) and C(size) in bytes.
  returned: success
  type: list
  elements: dict
half_made:
  description: What was half restored and was removed, or would be, with C(database) and C(name).
  returned: success
  type: list
  elements: dict
kept:
  description: What stays, likewise.
  returned: success
  type: list
  elements: dict
"""

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _drivers, _journal, _owned
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Displaced
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC

OPTIONS = {
    **_context.RUN_OPTIONS,
    "older_than_days": {"type": "int", "default": 30},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Remove displaced and half-made databases, or in check mode say which."""
    if ctx.module.check_mode:
        return _prune(ctx)
    with _owned.stack(ctx):
        return _prune(ctx)


def _prune(ctx: Context) -> dict[str, Any]:
    days = ctx.module.params["older_than_days"]
    if days < 0:
        raise RollbackError(f"older_than_days is negative: {days}", "0 removes all but the newest of each database.")
    _journal.refuse_unfinished(ctx.state, "and may need what was put aside")
    before = datetime.now(UTC) - timedelta(days=days)
    removed: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    half_made: list[dict[str, Any]] = []
    for database, _exchange in _drivers.of(ctx, ctx.compose.render()["name"]):
        found = database.displaced()
        # All but the newest.
        old = [each for each in found[:-1] if datetime.fromisoformat(each.at) < before]
        broken = database.half_made()
        if not ctx.module.check_mode:
            for name in (*(each.name for each in old), *broken):
                database.discard(name)
        half_made += [{"database": database.name, "name": name} for name in broken]
        removed += [_shown(database.name, each) for each in old]
        kept += [_shown(database.name, each) for each in found if each not in old]
    lines = [f"{each['database']}: {each['name']}, {each['size']} bytes, {each['at']}\n" for each in removed]
    lines += [f"{each['database']}: {each['name']}, half made\n" for each in half_made]
    return {
        "changed": bool(lines),
        "removed": removed,
        "half_made": half_made,
        "kept": kept,
        "diff": {"before": "".join(lines), "after": ""},
    }


def _shown(database: str, displaced: Displaced) -> dict[str, Any]:
    return {"database": database, **vars(displaced)}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
