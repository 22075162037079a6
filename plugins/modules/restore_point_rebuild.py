#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_point_rebuild
short_description: Build the images of a restore point again
version_added: 1.0.0
description:
  - Checks the git commit of a restore point out into a private directory, puts the captured configuration files over
    it, and builds the images of every service with a C(build) section there.
  - The result is a new restore point of the same version, proven, with the same files and copies of databases and with
    the new images, since a restore point is immutable and images that are built again have other ids.
  - Nothing that runs is touched, and no image tag is moved but those of this collection's own.
  - Where such a point is there already with its images, nothing is built.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
requirements:
  - git (on the target)
options:
  version:
    description: A version, V(previous), or the id of a restore point.
    type: str
    required: true
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Build v0.9.0 again, whose images are gone
  tiered.rollback.restore_point_rebuild:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v0.9.0
"""

RETURN = r"""
restore_point:
  description: Id of the point with the images that were built, or would be.
  returned: success
  type: str
source:
  description: Id of the point that was asked for.
  returned: success
  type: str
target:
  description:
    - Id of the point that a rollback can be told to go to. It is RV(restore_point), or in check mode RV(source) where
      there is no other yet.
  returned: success
  type: str
version:
  description: The version of both.
  returned: success
  type: str
services:
  description: Services whose images were built, or would be; others that run one of these images are not named.
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

from ansible_collections.tiered.rollback.plugins.module_utils import _context, _module, _owned, _rebuild
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._rebuild import Rebuild

OPTIONS = {
    **_context.RUN_OPTIONS,
    "version": {"type": "str", "required": True},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Build the images again, unless that was done before."""
    if ctx.module.check_mode:
        found = _rebuild.look(ctx)
        return _result(found, (found.source if found.services else found.point).id)
    with _owned.stack(ctx):
        found = _rebuild.look(ctx)
        if found.services:
            _rebuild.perform(ctx, found)
    return _result(found, found.point.id)


def _result(found: Rebuild, target: str) -> dict[str, Any]:
    actions = [f"build {name}" for name in found.services]
    if found.fetched:
        actions.insert(0, "fetch tags")
    if actions:
        actions.append(f"prove {found.point.id}")
    return {
        **_module.acted(actions),
        "restore_point": found.point.id,
        "source": found.source.id,
        "target": target,
        "version": found.point.version,
        "services": found.services,
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
