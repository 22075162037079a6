#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_backup
short_description: Keep a repository's workflow files and CI figures
version_added: 1.0.0
description:
  - Writes every file below C(.github/workflows), as the branch has it, and the figures that are given to a directory of
    this run in the state directory, with a manifest that lists each file's size and SHA-256. Git keeps the files too,
    for as long as nobody rewrites its history.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  prove_writable:
    description:
      - Whether to see, before anything else is touched, that the token may write. Nothing but an attempt tells; this
        one leaves an object behind that nothing refers to, and that GitHub removes in time.
    type: bool
    default: false
  metrics:
    description: What M(tiered.rollback.ci_status_info) said before.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep what there is
  tiered.rollback.ci_backup:
    github: "{{ rollback_stack.github }}"
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    metrics: "{{ ci }}"
"""

RETURN = r"""
commit:
  description: The commit that the branch was at.
  returned: success
  type: str
protected:
  description: Whether a rule forbids to push to the branch.
  returned: success
  type: bool
directory:
  description: Where the files are, or would be.
  returned: success
  type: str
files:
  description: Files that are kept, by their path in the repository.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _files,
    _github,
    _github_tree,
    _module,
    _workflow,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    **_context.RUN_OPTIONS,
    "metrics": {"type": "dict", "required": True},
    "prove_writable": {"type": "bool", "default": False},
}
_MANIFEST = "manifest.json"


def act(ctx: Context) -> dict[str, Any]:
    """Keep the files, or in check mode say which."""
    github = _github.given(ctx.module.params)
    tree = _github_tree.ApiTree(github)
    head = tree.head(_github_tree.branch(github))
    # The same run may come here twice, and the branch has moved on by then: what it was at first counts.
    directory = ctx.state / "ci" / ctx.run.id
    entries = {
        path: entry for path, entry in tree.entries(head.tree).items() if path.startswith(f"{_workflow.DIRECTORY}/")
    }
    result = {"commit": head.commit, "protected": head.protected, "directory": str(directory), "files": sorted(entries)}
    kept = _files.read(directory / _MANIFEST)
    if kept is not None:
        known = _files.load_json(kept, str(directory / _MANIFEST))
        return {**_module.acted([]), **result, "commit": known["commit"], "files": sorted(known["files"])}
    if not ctx.module.check_mode:
        if ctx.module.params["prove_writable"]:
            github.send("POST", "/git/blobs", {"content": "may I write?\n", "encoding": "utf-8"}, repeatable=True)
        contents, _pull = tree.read([entry.blob for entry in entries.values()], head.branch)
        _write(ctx, github.api.repository, {path: contents[entry.blob] for path, entry in entries.items()}, head)
    return {**_module.acted([f"keep {len(entries)} files of {head.commit[:12]}"] if entries else []), **result}


def _write(ctx: Context, repository: str, files: dict[str, bytes], head: _github_tree.Head) -> None:
    directory = _files.private_directory(ctx.state / "ci" / ctx.run.id)
    for path, data in files.items():
        target = directory / "files" / path
        _files.private_directory(target.parent)
        _files.write(target, data)
    manifest = {
        "repository": repository,
        "branch": head.branch,
        "commit": head.commit,
        "files": {path: {"size": len(data), "sha256": _files.sha256(data)} for path, data in files.items()},
        "metrics": ctx.module.params["metrics"],
    }
    # Last: where there is one, everything that it lists is there.
    _files.write(directory / _MANIFEST, _files.dump_json(manifest))


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
