#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restore
short_description: Restore a copy of a PostgreSQL database beside the live one, and exchange both
version_added: 1.0.0
description:
  - Restores a copy that M(tiered.rollback.pg_backup) made into a database of its own, checks it against what was
    recorded, and says which rows the live database would lose by going back.
  - With O(swap), both exchange their names in one transaction. The displaced database is kept.
  - Where the live database already has the copy's schema and rows, nothing is exchanged.
extends_documentation_fragment:
  - tiered.rollback.stack.postgres
  - tiered.rollback.stack.attributes
options:
  src:
    description: Directory of the copy.
    type: path
    required: true
  mode:
    description:
      - V(aside) restores into a new database. V(in_place) restores into the live one, in one transaction, for servers
        without room for both; it is an outage as long as the restore, and nothing is kept.
    type: str
    choices: [aside, in_place]
    default: aside
  swap:
    description: Whether the restored database becomes the live one; V(in_place) always does that.
    type: bool
    default: false
attributes:
  check_mode:
    description: Checks the copy and what the server has, moves nothing.
    support: partial
    details: Only a restore tells whether the live database equals the copy, so O(swap) is foretold as a change.
  idempotent:
    description: Run again in the same state, it changes nothing.
    support: partial
    details: V(in_place) restores each time.
"""

EXAMPLES = r"""
- name: Restore a copy beside the live database, and see what going back would lose
  tiered.rollback.pg_restore:
    postgres: {database: udo_production, container: udo_postgres_prod, user: udo_prod_user}
    src: /var/backups/udo/2026-11-20

- name: Make it the live database, and keep the one that was
  tiered.rollback.pg_restore:
    postgres: {database: udo_production, container: udo_postgres_prod, user: udo_prod_user}
    src: /var/backups/udo/2026-11-20
    swap: true
"""

RETURN = r"""
prepared:
  description: Name of the database the copy is restored into; null for O(mode=in_place).
  returned: success
  type: str
displaced:
  description: Name that the former live database has now; null where nothing was exchanged, and in check mode.
  returned: success
  type: str
loss:
  description:
    - Tables with C(added), C(removed) and C(changed) rows of the live database since the copy; C(changed) is null
      where a table has no primary key. Null in check mode where nothing is restored yet, and for O(mode=in_place).
  returned: success
  type: list
  elements: dict
left:
  description: Objects that a restore in place left, since the copy does not know them.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _database_copy, _module, _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
from ansible_collections.tiered.rollback.plugins.module_utils._python import UTC

OPTIONS = {
    **_postgres.OPTIONS,
    "src": {"type": "path", "required": True},
    "mode": {"type": "str", "choices": ["aside", "in_place"], "default": "aside"},
    "swap": {"type": "bool", "default": False},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Restore the copy."""
    src = Path(module.params["src"])
    part = _database_copy.load(src)
    database = _postgres.given(module.params)
    restore = _in_place if module.params["mode"] == "in_place" else _aside
    return restore(module, database, src, part)


def _aside(module: AnsibleModule, database: PostgresDatabase, src: Path, part: DatabasePart) -> dict[str, Any]:
    check_mode = module.check_mode
    live, point = database.description.database, _database_copy.point(part)
    staged = database.staged_name(point)
    ready = staged in database.prepared()
    actions = [] if ready else [f"restore {src} into database {staged}"]
    if check_mode and not ready:
        database.verify(src, part)
    elif not ready:
        database.stage(src, part, point, _database_copy.silent)
        database.gather_statistics(staged)
        ready = True
    loss = database.loss(staged) if ready else None
    equal = loss == [] and database.schema() == part.schema
    displaced = None
    if module.params["swap"] and equal:
        # What was restored only to be compared goes again, so that a second run leaves no trace.
        actions = []
        if not check_mode:
            database.discard(staged)
    elif module.params["swap"]:
        actions.append(f"exchange {live} and {staged}")
        if not check_mode:
            run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            _postgres.swap([Swap(database=database, staged=staged, run=run)])
            displaced = next(one.name for one in database.displaced() if one.run == run)
    return {
        **_module.acted(actions),
        "prepared": staged,
        "displaced": displaced,
        "loss": None if loss is None else [asdict(table) for table in loss],
        "left": [],
    }


def _in_place(module: AnsibleModule, database: PostgresDatabase, src: Path, part: DatabasePart) -> dict[str, Any]:
    action = f"restore {src} into the live database {database.description.database}"
    left: list[str] = []
    if module.check_mode:
        database.verify(src, part)
    else:
        left = database.restore_in_place(src, part, _database_copy.silent)
    return {
        **_module.acted([action]),
        "prepared": None,
        "displaced": None,
        "loss": None,
        "left": left,
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
