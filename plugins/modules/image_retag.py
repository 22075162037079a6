#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_retag
short_description: Move an image's tag to an image id
version_added: 1.0.0
description:
  - Makes a name such as C(app:production) point to one image, addressed by id or digest, never by another tag.
  - A tag is only a name that is moved. Running containers are not touched.
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
options:
  name:
    description: The name with its tag, as a Compose file says it.
    type: str
    required: true
  image_id:
    description: The image, as C(sha256:...) or C(repository@sha256:...). It must be on the host.
    type: str
    required: true
requirements:
  - docker >= 7.0 (Python package on the target)
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Make app:production the image that v0.9.0 ran
  tiered.rollback.image_retag:
    name: app:production
    image_id: sha256:eedd4993543333061c0e11a0774374f263249f5823834ac5e5bb8611fb6c93ec
"""

RETURN = r"""
before:
  description: Id of the image that the name pointed to; null where there was none.
  returned: success
  type: str
after:
  description: Id of the image that the name points to now.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _module
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS = {"name": {"type": "str", "required": True}, "image_id": {"type": "str", "required": True}}
_ADDRESS = re.compile(r"(?:[^\s@]+@)?sha256:[0-9a-f]{64}")


def act(module: AnsibleModule) -> dict[str, Any]:
    """Move the tag where it points elsewhere."""
    name, address = module.params["name"], module.params["image_id"]
    if not _ADDRESS.fullmatch(address):
        raise RollbackError(
            f"image_id is no content address: {address!r:.120}",
            "A tag may have been moved since; give sha256:... or repository@sha256:...",
        )
    engine = Engine()
    wanted, current = engine.image(address), engine.image(name)
    if wanted is None:
        raise RollbackError(f"image {address} is not on this host", "Pull or load it first; the tag was not moved.")
    before = current.id if current else None
    actions = [] if before == wanted.id else [f"tag {wanted.id} as {name}"]
    if actions and not module.check_mode:
        engine.tag(wanted.id, name)
    return {
        "changed": bool(actions),
        "before": before,
        "after": wanted.id,
        "actions": actions,
        "diff": {"before": f"{name}: {before}\n", "after": f"{name}: {wanted.id}\n"},
    }


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
