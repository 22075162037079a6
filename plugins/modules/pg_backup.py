#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup
short_description: Copy a PostgreSQL database consistently, with checksums and what it is checked against later
version_added: 1.0.0
description:
  - Dumps the database; schema, rows per table, sequences, settings and grants are read in the dump's own snapshot.
  - The copy appears under O(dest) only once it is whole. A whole copy that is there already is left as it is.
extends_documentation_fragment:
  - tiered.rollback.stack.postgres
  - tiered.rollback.stack.attributes
options:
  dest:
    description: Directory of this copy. It is made, readable by its owner only.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Copy the database
  tiered.rollback.pg_backup:
    postgres:
      database: udo_production
      container: udo_postgres_prod
      user: udo_prod_user
      password: "{{ vault_udo_password }}"
    dest: /var/backups/udo/2026-11-20
"""

RETURN = r"""
dest:
  description: Directory of the copy.
  returned: success
  type: str
part:
  description: The copy with its files, SHA-256 sums and properties; null in check mode where one would be made.
  returned: success
  type: dict
tables:
  description: Rows by table; empty in check mode where a copy would be made.
  returned: success
  type: dict
size:
  description: Bytes of the copy, in check mode of the live database where one would be made.
  returned: success
  type: int
schema:
  description: Version or hash of the schema.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _database_copy, _module, _postgres

OPTIONS = {**_postgres.OPTIONS, "dest": {"type": "path", "required": True}}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Copy the database, unless the copy is there."""
    dest = Path(module.params["dest"])
    database = _postgres.given(module.params)
    part = _database_copy.load(dest) if dest.exists() else None
    changed = part is None
    if changed and not module.check_mode:
        with _database_copy.captured(database, dest) as (unfinished, part):
            _database_copy.keep(unfinished, part, dest)
    said = f"copy of database {database.description.database} in {dest}\n"
    return {
        "changed": changed,
        "dest": str(dest),
        "part": asdict(part) if part else None,
        "tables": dict(part.tables) if part else {},
        "size": part.size if part else database.size(),
        "schema": part.schema if part else database.schema(),
        "actions": [f"copy database {database.description.database} to {dest}"] if changed else [],
        "diff": {"before": "" if changed else said, "after": said},
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
