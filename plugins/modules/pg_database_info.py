#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_database_info
short_description: Say which PostgreSQL database is live, and which lie beside it
version_added: 1.0.0
description:
  - Names the live database itself, its schema and size, and the databases that were restored or put aside.
extends_documentation_fragment:
  - tiered.rollback.stack.postgres
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: See what lies beside the live database
  tiered.rollback.pg_database_info:
    postgres: {database: udo_production, container: udo_postgres_prod, user: udo_prod_user}
"""

RETURN = r"""
identity:
  description: Names the live database itself; another one under the same name has another identity.
  returned: success
  type: str
schema:
  description: Version or hash of the live schema.
  returned: success
  type: str
size:
  description: Bytes of the live database.
  returned: success
  type: int
prepared:
  description: Databases that were restored beside it, whole and checked.
  returned: success
  type: list
  elements: str
displaced:
  description: Databases that a run put aside, oldest first, with C(name), C(run), C(at) and C(size).
  returned: success
  type: list
  elements: dict
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _module, _postgres


def act(module: AnsibleModule) -> dict[str, Any]:
    """Ask the server."""
    database = _postgres.given(module.params)
    return {
        "changed": False,
        "identity": database.identity(),
        "schema": database.schema(),
        "size": database.size(),
        "prepared": list(database.prepared()),
        "displaced": [asdict(one) for one in database.displaced()],
    }


def main() -> None:
    """Run the module."""
    _module.main(act, _postgres.OPTIONS)


if __name__ == "__main__":
    main()
