#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_restore
short_description: Put an SQLite database back from a backup, keeping the present one
version_added: 0.2.0
description:
  - Checks the backup's SHA-256, integrity, foreign keys and rows, copies it beside the live file and checks it there
    again. Only then the live file is put aside under a name of its own and the copy gets its name, by renames.
  - Commits that are only in the old file's write-ahead log are written into it first, and no C(-wal), C(-shm) or
    C(-journal) is left that SQLite would replay over the restored file.
  - Fails while any process has the file open, be it only to read, and names it. Stop the application first.
  - Where every row of the live database is as in the backup nothing changes.
extends_documentation_fragment:
  - tiered.rollback.stack.sqlite
  - tiered.rollback.stack.attributes
options:
  src:
    description: Directory of a backup that M(tiered.rollback.sqlite_backup) made.
    type: path
    required: true
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Put the workstation's database back
  tiered.rollback.sqlite_restore:
    project: udo
    service: workstation
    path: /app/data/workstation.db
    src: /var/backups/workstation/before-v1.1.0
"""

RETURN = r"""
displaced:
  description: Path on the host of the file that was replaced; null where nothing was, and in check mode.
  returned: success
  type: str
tables:
  description: Rows by table, as they were captured.
  returned: success
  type: dict
loss:
  description: >-
    By table, the rows that were added, removed and changed since the backup; null where the live database was missing
    or damaged.
  returned: success
  type: list
  elements: dict
"""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _sqlite,
    _sqlite_backup,
    _sqlite_loss,
    _sqlite_swap,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap, TableLoss
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import COPY, SqliteDatabase

OPTIONS = {**_sqlite_backup.OPTIONS, "src": {"type": "path", "required": True}}


def act(ctx: Context) -> dict[str, Any]:
    """Restore unless the live database equals the backup."""
    src = Path(ctx.module.params["src"])
    part = _sqlite_backup.read(src)
    if part is None:
        raise RollbackError(f"there is no backup in {src}", "Name a directory that sqlite_backup made.")
    database = _sqlite_backup.database(ctx)
    database.verify(src, part)
    loss = _loss(database, src, part)
    changed = loss is None or bool(loss)
    if changed:
        database.keep_out()
    displaced = _restore(database, src, part) if changed and not ctx.module.check_mode else None
    rows = [asdict(table) for table in loss] if loss is not None else None
    return {
        "changed": changed,
        "displaced": displaced,
        "tables": dict(part.tables),
        "loss": rows,
        "diff": _diff(database, part, loss),
    }


def _loss(database: SqliteDatabase, src: Path, part: DatabasePart) -> list[TableLoss] | None:
    """What going back loses; None where that cannot be said."""
    if not database.live.exists():
        return None
    try:
        loss = _sqlite_loss.compare(database.live, src / COPY)
        return loss if loss or database.schema() == part.schema else None
    except RollbackError:
        # A damaged file is what a restore is for; one that is locked is refused next, with its holder's name.
        return None


def _restore(database: SqliteDatabase, src: Path, part: DatabasePart) -> str:
    staged = database.stage(src, part, part.files[COPY].sha256, lambda _done, _total, _unit: None)
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    _sqlite.swap([Swap(database=database, staged=staged, run=run)])
    return str(_sqlite_swap.displaced_name(database.live, run))


def _diff(database: SqliteDatabase, part: DatabasePart, loss: list[TableLoss] | None) -> dict[str, str]:
    name = str(database.live)
    if loss is None:
        return {"before": f"{name}: missing, damaged or of another schema\n", "after": f"{name}: {part.size} bytes\n"}
    before = "".join(
        f"{name}: {table.table}: {table.added} added, {table.removed} removed, {table.changed} changed since\n"
        for table in loss
    )
    return {"before": before, "after": "".join(f"{name}: {table.table}: as in the backup\n" for table in loss)}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, required_together=_sqlite_backup.TOGETHER)


if __name__ == "__main__":
    main()
