#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_backup
short_description: Keep a timestamped, checksummed copy of a list of files
version_added: 1.0.0
description:
  - Copies the files below a directory of their own, with a C(SHA256SUMS) that C(sha256sum --check) understands.
  - Where the newest backup already holds exactly these files with these contents, nothing is copied.
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
options:
  stack:
    description:
      - The stack whose configuration is copied, as the inventory variable C(rollback_stack) describes it. The backup
        then lies in C(config) below the stack's state directory, where M(tiered.rollback.stack_switch) finds it.
      - Either this or O(root).
    type: dict
  state_dir:
    description: Directory on the target below which each stack has its state, readable by its owner only.
    type: path
    default: /var/lib/tiered-rollback
  root:
    description: Directory that O(paths) are relative to. Needs O(paths) and O(backups).
    type: path
  paths:
    description:
      - Files to copy. A path may not leave O(root), or the stack's C(project_src).
      - The default is the stack's C(config), and where that is not stated its Compose and environment files.
    type: list
    elements: str
  backups:
    description: Directory that holds the backups. It is made, readable by its owner only.
    type: path
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Keep a stack's configuration
  tiered.rollback.config_backup:
    stack: "{{ rollback_stack }}"

- name: Keep some files
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

from ansible_collections.tiered.rollback.plugins.module_utils import _backup, _context, _files, _observe
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict"},
    "state_dir": {"type": "path", "default": _context.STATE_DIR},
    "root": {"type": "path"},
    "paths": {"type": "list", "elements": "str"},
    "backups": {"type": "path"},
}


def act(ctx: Context) -> dict[str, Any]:
    """Copy the files, unless the newest backup equals them."""
    root, backups, paths = _what(ctx)
    contents = _backup.read_current(root, paths)
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


def _what(ctx: Context) -> tuple[Path, Path, list[str]]:
    """Return the directory of the files, that of the backups, and the files."""
    params = ctx.module.params
    if params["root"]:
        return Path(params["root"]), Path(params["backups"]), params["paths"]
    root = Path(ctx.stack.project_src)
    # Where nobody states them, a file that need not be there (.env) is not asked for.
    usual = ctx.stack.config or [
        path for path in _observe.config_paths(ctx.stack, ctx.compose.template()) if (root / path).exists()
    ]
    return root, ctx.state / _backup.DIRECTORY, params["paths"] or list(usual)


def main() -> None:
    """Run the module."""
    _context.main(
        act,
        OPTIONS,
        required_one_of=[("stack", "root")],
        mutually_exclusive=[("stack", "root")],
        required_by={"root": ("paths", "backups")},
    )


if __name__ == "__main__":
    main()
