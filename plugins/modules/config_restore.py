#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_restore
short_description: Put files back from a backup, keeping the present ones first
version_added: 1.0.0
description:
  - Checks every file of the backup against its sum, keeps the present files as a backup of their own, then replaces
    each file that differs atomically.
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
options:
  root:
    description: Directory that the backup's paths are relative to.
    type: path
    required: true
  backups:
    description: Directory that holds the backups.
    type: path
    required: true
  backup:
    description: Name of the backup, or V(newest), the newest that M(tiered.rollback.config_backup) made.
    type: str
    default: newest
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Put the newest backup of the configuration back
  tiered.rollback.config_restore:
    root: /opt/udo
    backups: /var/lib/tiered-rollback/udo/config
"""

RETURN = r"""
backup:
  description: Name of the backup that was restored.
  returned: success
  type: str
kept:
  description: Name of the backup that holds the replaced files; null where nothing was replaced, and in check mode.
  returned: success
  type: str
files:
  description: Paths that were replaced, or would be.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _backup, _files, _module

OPTIONS = {
    "root": {"type": "path", "required": True},
    "backups": {"type": "path", "required": True},
    "backup": {"type": "str", "default": _backup.NEWEST},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Replace the files that differ from the backup."""
    root, backups = Path(module.params["root"]), Path(module.params["backups"])
    name, contents = _backup.load(backups, module.params["backup"])
    current = {path: _files.read(root / path) for path in contents}
    differing = [path for path, data in contents.items() if current[path] != data]
    kept = None
    if differing and not module.check_mode:
        present = {path: data for path, data in current.items() if data is not None}
        kept = _backup.create(backups, root, present, _backup.REPLACED)
        _backup.restore(backups, name, root, {path: contents[path] for path in differing})
    return {
        "changed": bool(differing),
        "backup": name,
        "kept": kept,
        "files": differing,
        "diff": _diff(current, contents),
    }


def _diff(current: dict[str, bytes | None], contents: dict[str, bytes]) -> dict[str, str]:
    def lines(values: dict[str, bytes | None]) -> str:
        return "".join(
            f"{path}: {'absent' if d is None else 'sha256 ' + _files.sha256(d)[:12]}\n" for path, d in values.items()
        )

    return {"before": lines(current), "after": lines({**contents})}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
