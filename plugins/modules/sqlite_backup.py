#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_backup
short_description: Copy a live SQLite database consistently
version_added: 1.0.0
description:
  - Copies a database while its application writes to it, under one read transaction, or through SQLite's online backup
    where there is no write-ahead log.
  - What is only in the log is in the copy too. It is written into the live file first, by a passive checkpoint as the
    application makes it itself now and then; where that cannot be, the log is copied as well.
  - The copy's structure and foreign keys are checked, and its SHA-256 and the rows of each table are kept beside it.
  - With a write-ahead log writers are not disturbed. Without one they wait for half a second at most.
extends_documentation_fragment:
  - tiered.rollback.stack.sqlite
  - tiered.rollback.stack.attributes
options:
  dest:
    description:
      - Directory of this one backup. It is made, readable by its owner only.
      - Where it holds the same copy already nothing changes. Where it holds another one the module fails, since a
        backup is never overwritten.
    type: path
    required: true
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Keep the workstation's database
  tiered.rollback.sqlite_backup:
    project: udo
    service: workstation
    path: /app/data/workstation.db
    dest: /var/backups/workstation/before-v1.1.0
"""

RETURN = r"""
sha256:
  description: SHA-256 of the copy.
  returned: success
  type: str
size:
  description: Bytes of the copy.
  returned: success
  type: int
tables:
  description: Rows by table.
  returned: success
  type: dict
schema:
  description: Hash of the schema.
  returned: success
  type: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _database_copy, _module, _sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import COPY

OPTIONS = {**_sqlite.OPTIONS, "dest": {"type": "path", "required": True}}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Capture, and keep the copy unless it is there."""
    dest = Path(module.params["dest"])
    held = _database_copy.load(dest) if dest.exists() else None
    with _database_copy.captured(_sqlite.given(module.params), dest) as (unfinished, part):
        changed = held is None
        if held is not None and held.files != part.files:
            raise RollbackError(
                f"{dest} holds something else already", "A backup is never overwritten; choose a new name."
            )
        if changed and not module.check_mode:
            _database_copy.keep(unfinished, part, dest)
    copy = part.files[COPY]
    after = f"{dest}: sha256 {copy.sha256[:12]}, {copy.size} bytes\n"
    return {
        "changed": changed,
        "sha256": copy.sha256,
        "size": copy.size,
        "tables": dict(part.tables),
        "schema": part.schema,
        "diff": {"before": "" if changed else after, "after": after},
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS, required_together=_sqlite.TOGETHER)


if __name__ == "__main__":
    main()
