#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Make a version's images, and the release that a deployment goes to
version_added: 1.0.0
description:
  - Finds out what a version is here. Where the project is a git checkout that has a tag of that name, its configuration
    files and build contexts are the commit's; else where image names are made of variables, the one that holds the
    version is set; else images are known by C(NAME:VERSION). C(image_source) of the stack overrides that.
  - Builds every service that has C(build) in the Compose file, with the labels C(created), C(revision) and C(version)
    of the Open Container Initiative, below an image name of our own; takes others by their name where they are on the
    host, and pulls what is not. C(services.NAME.release) of the stack overrides that for a service.
  - Writes it all as a restore point of the kind C(release), which M(tiered.rollback.stack_switch) goes to. Nothing that
    runs is touched, and no image name of the user's is moved.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
options:
  version:
    description: The version.
    type: str
    required: true
  foretell:
    description: Whether it is only seen what would be made. Other than in check mode, tags are fetched where needed.
    type: bool
    default: false
  timeout:
    description: Seconds that the builds may take.
    type: int
    default: 1200
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
attributes:
  check_mode:
    description: Says what would be made and what a switch to it would do; images that are to come have no id yet.
    support: full
  diff_mode:
    description: Shows what is made.
    support: full
  idempotent:
    description: Built again, images have another time on their labels, and so another id.
    support: none
"""

EXAMPLES = r"""
- name: Build v1.1.0
  tiered.rollback.image_build:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v1.1.0
"""

RETURN = r"""
restore_point:
  description: Id of the release.
  returned: success
  type: str
from_version:
  description: Name of the version that runs.
  returned: success
  type: str
to_version:
  description: The version.
  returned: success
  type: str
source:
  description: "How the version is told: V(git), V(variable) or V(retag)."
  returned: success
  type: str
services:
  description: Services whose images were built, or would be.
  returned: success
  type: list
  elements: str
pulled:
  description: Images that were pulled, or would be.
  returned: success
  type: list
  elements: str
plan:
  description: The steps from what runs to the release.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _journal,
    _module,
    _names,
    _owned,
    _release,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "version": {"type": "str", "required": True},
    "foretell": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 1200},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Make the release, or say what it would be."""
    if ctx.module.check_mode or ctx.module.params["foretell"]:
        return _make(ctx, write=False)
    with _owned.stack(ctx):
        return _make(ctx, write=True)


def _make(ctx: Context, *, write: bool) -> dict[str, Any]:
    params = ctx.module.params
    _journal.refuse_unfinished(ctx.state, "so what runs may be half of two versions")
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    release = _release.look(ctx, now, _names.version(params["version"]), fetch=not ctx.module.check_mode)
    point = _release.perform(ctx, release, params["timeout"]) if write else release.point
    answer = _module.acted([*release.actions, f"make {point.id}"])
    return {
        **answer,
        "changed": answer["changed"] and not params["foretell"],
        "restore_point": point.id,
        "from_version": release.running,
        "to_version": point.version,
        "source": release.files.source,
        "services": release.built,
        "pulled": release.pulled,
        "plan": release.plan.to_dict(),
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
