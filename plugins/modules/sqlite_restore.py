#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_restore
short_description: Put an SQLite database back from a backup, keeping the present one
version_added: 1.0.0
description:
  - Copies the backup beside the live file and checks SHA-256, integrity, foreign keys and rows of what was written
    there. Only then the live file is put aside under a name of its own and the copy gets its name, by renames.
  - Commits that are only in the old file's write-ahead log are written into it first, and no C(-wal), C(-shm) or
    C(-journal) is left that SQLite would replay over the restored file.
  - Fails while any process has the file open, be it only to read, and names it. Stop the application first.
  - Where the live file is the backup's, byte for byte, nothing changes.
extends_documentation_fragment:
  - tiered.rollback.stack.sqlite
  - tiered.rollback.stack.attributes
options:
  src:
    description: Directory of a backup that M(tiered.rollback.sqlite_backup) made.
    type: path
    required: true
  compare:
    description:
      - Whether the rows of every table are compared before the exchange, to say what is lost. That takes longer than
        all the rest together.
      - What is lost is in the file that RV(displaced) names in any case.
    type: bool
    default: false
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
    By table, the rows that were added, removed and changed since the backup; null without O(compare), and where the
    live database was missing or damaged.
  returned: success
  type: list
  elements: dict
"""

import filecmp
import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _database_copy,
    _module,
    _sqlite,
    _sqlite_loss,
    _sqlite_place,
    _sqlite_swap,
)
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import COPY, SqliteDatabase

OPTIONS = {
    **_sqlite.OPTIONS,
    "src": {"type": "path", "required": True},
    "compare": {"type": "bool", "default": False},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Restore unless the live database is the backup."""
    src = Path(module.params["src"])
    part = _database_copy.load(src)
    database = _sqlite.given(module.params)
    changed = not _is(database.live, src / COPY)
    restores = changed and not module.check_mode
    kept = src / COPY
    if changed:
        database.keep_out()
    if restores:
        staged = database.stage(src, part, _database_copy.point(part), _database_copy.silent)
        kept = database.live.with_name(staged)
    else:
        # What a restore checks in the file that it stages.
        database.verify(src, part)
    loss = _loss(database, kept) if module.params["compare"] else None
    displaced = _swap(database, kept) if restores else None
    after = f"{database.live}: as in {src}\n"
    return {
        "changed": changed,
        "displaced": displaced,
        "tables": dict(part.tables),
        "loss": loss,
        "diff": {"before": _before(database.live, loss) if changed else after, "after": after},
    }


def _is(live: Path, copy: Path) -> bool:
    """Whether a live file is the copy, byte for byte, with nothing in a log that would make it another."""
    logs = [path for path in _sqlite_place.beside(live) if path.exists() and not path.name.endswith("-shm")]
    if not (live.exists() and copy.is_file()) or any(log.stat().st_size for log in logs):
        return False
    return filecmp.cmp(live, copy, shallow=False)


def _loss(database: SqliteDatabase, kept: Path) -> list[dict[str, Any]] | None:
    """What going back loses; None where that cannot be said."""
    if not database.live.exists():
        return None
    try:
        return [asdict(table) for table in _sqlite_loss.compare(database.live, kept)]
    except RollbackError:
        # A damaged file is what a restore is for; one that is locked the exchange refuses, with its holder's name.
        return None


def _swap(database: SqliteDatabase, staged: Path) -> str:
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    _sqlite.swap([Swap(database=database, staged=staged.name, run=run)])
    return str(_sqlite_swap.displaced_name(database.live, run))


def _before(live: Path, loss: list[dict[str, Any]] | None) -> str:
    if not loss:
        return f"{live}: {'of another content' if live.exists() else 'missing'}\n"
    return "".join(
        f"{live}: {table['table']}: {table['added']} added, {table['removed']} removed, "
        f"{table['changed']} changed since\n"
        for table in loss
    )


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS, required_together=_sqlite.TOGETHER)


if __name__ == "__main__":
    main()
