#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_discover_info
short_description: Describe a Compose project that runs, as rollback_stack
version_added: 1.0.0
description:
  - Reads the labels that Compose puts on containers and what C(docker compose config) says, and returns the variable
    C(rollback_stack) for a person to check. Changes nothing.
extends_documentation_fragment:
  - tiered.rollback.stack.attributes
options:
  project:
    description: Name of the Compose project. Needed where several run on the host.
    type: str
requirements:
  - docker >= 7.0 (Python package on the target)
  - docker compose >= 2.20 (on the target)
author:
  - The tiered.rollback authors (@tiered)
"""

EXAMPLES = r"""
- name: Describe the project that runs
  tiered.rollback.stack_discover_info:
    project: udo
  register: discovered
"""

RETURN = r"""
rollback_stack:
  description: The stack's description.
  returned: success
  type: dict
remarks:
  description: What a person should look at before using it.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _discover, _module, _template
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS = {"project": {"type": "str"}}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Describe one project."""
    engine = Engine()
    labels = engine.project_labels()
    wanted = module.params["project"] or (next(iter(labels)) if len(labels) == 1 else None)
    if wanted is None or wanted not in labels:
        raise RollbackError(
            f"no Compose project {wanted} runs here" if wanted else "say which Compose project is meant",
            f"Projects on this host: {', '.join(sorted(labels)) or 'none'}. Give -e project=NAME.",
        )
    described = _discover.from_labels(wanted, labels[wanted])
    compose = Compose(described)
    definition = compose.render()
    env_files = _template.env_files(compose.template(), described.project_src)
    services = sorted({container.service for container in engine.containers(wanted)})
    root = Path(described.project_src)
    stack, remarks = _discover.describe(
        described, definition, services, env_files, lambda path: (root / path).is_file()
    )
    return {"changed": False, "rollback_stack": stack, "remarks": remarks}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
