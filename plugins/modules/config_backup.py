#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_backup
short_description: Keep a timestamped, checksummed copy of a list of files
version_added: 0.1.0
description:
  - Copies the files below a directory of their own, with a C(SHA256SUMS) that C(sha256sum --check) understands.
  - Where the newest backup already holds exactly these files with these contents, nothing is copied.
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
options:
  root:
    description: Directory that O(paths) are relative to.
    type: path
    required: true
  paths:
    description: Files to copy. A path may not leave O(root).
    type: list
    elements: str
    required: true
  backups:
    description: Directory that holds the backups. It is made, readable by its owner only.
    type: path
    required: true
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Keep the configuration
  tiered.rollback.config_backup:
    root: /opt/udo
    paths: [docker-compose.prod.yml, .env]
    backups: /var/lib/tiered-rollback/udo/config
"""

RETURN = r"""
backup:
  description: Name of the backup that holds these files; null in check mode where one would be made.
  returned: success
  type: str
files:
  description: SHA-256 by path.
  returned: success
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _backup, _context, _files
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS = {
    "root": {"type": "path", "required": True},
    "paths": {"type": "list", "elements": "str", "required": True},
    "backups": {"type": "path", "required": True},
}


def act(ctx: Context) -> dict[str, Any]:
    """Copy the files, unless the newest backup equals them."""
    root, backups = Path(ctx.module.params["root"]), Path(ctx.module.params["backups"])
    contents = _backup.read_current(root, ctx.module.params["paths"])
    newest = _backup.newest(backups)
    changed = newest is None or not _backup.equal(backups, newest, contents)
    if changed:
        newest = None if ctx.module.check_mode else _backup.create(backups, root, contents)
    sums = {path: _files.sha256(data) for path, data in contents.items()}
    after = "".join(f"{path}: sha256 {value[:12]}\n" for path, value in sums.items())
    return {
        "changed": changed,
        "backup": newest,
        "files": sums,
        "diff": {"before": "" if changed else after, "after": after},
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
