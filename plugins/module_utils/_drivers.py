# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a stack, each with what exchanges databases of its kind; a driver is imported where it is needed."""

from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database, Exchange
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack


def of(ctx: Context, project: str) -> list[tuple[Database, Exchange]]:
    """Return the databases of a module's stack, those of PostgreSQL first; one without databases asks no engine.

    :param project: the Compose project's name.
    """
    return of_stack(ctx.stack, ctx.engine, project) if ctx.stack.database_names else []


def of_stack(stack: Stack, engine: Engine, project: str) -> list[tuple[Database, Exchange]]:
    """Return the databases of any stack; see :func:`of`."""
    found: list[tuple[Database, Exchange]] = []
    # A stack without databases needs neither driver, and an emergency not the time to import them.
    if stack.postgres:
        from ansible_collections.tiered.rollback.plugins.module_utils import _postgres

        found += [(_postgres.PostgresDatabase(each, engine), _postgres.swap) for each in stack.postgres]
    if stack.sqlite:
        from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite

        found += [(_sqlite.SqliteDatabase(each, engine, project), _sqlite.swap) for each in stack.sqlite]
    return found
