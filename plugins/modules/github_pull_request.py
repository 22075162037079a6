#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_pull_request
short_description: Propose a branch by a pull request, once
version_added: 1.0.0
description:
  - Opens a pull request of a branch, unless one is open. It is merged by people, or by the rules of the repository.
extends_documentation_fragment:
  - tiered.rollback.github
  - tiered.rollback.stack.attributes
options:
  head:
    description: The branch that is proposed.
    type: str
    required: true
  title:
    description: Its title.
    type: str
    required: true
  body:
    description: What else there is to say.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Propose the revert
  tiered.rollback.github_pull_request:
    github: "{{ rollback_stack.github }}"
    head: "{{ reverted.pushed_to }}"
    title: Revert the move of CI into Docker
"""

RETURN = r"""
url:
  description: The pull request's page; null where check mode would open one.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _github, _github_tree, _module, _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS: dict[str, dict[str, Any]] = {
    **_github.OPTIONS,
    "head": {"type": "str", "required": True},
    "title": {"type": "str", "required": True},
    "body": {"type": "str", "default": ""},
}


def act(module: AnsibleModule) -> dict[str, Any]:
    """Open the request, or in check mode say that it would be."""
    head, title = _names.branch(module.params["head"], "head"), module.params["title"].strip()
    if not title:
        raise RollbackError("title is empty", "Say in a line what is proposed.")
    github = _github.given(module.params)
    base = _github_tree.branch(github)
    if head == base:
        raise RollbackError(f"{head} cannot be proposed for itself", "Push the commits to a branch of their own.")
    _held, url = _github_tree.ApiTree(github).read((), head)
    actions = [] if url else [f"propose {head} for {base}"]
    if actions and not module.check_mode:
        url = _github_tree.propose(github, base, head, title, module.params["body"])
    return {**_module.acted(actions), "url": url}


def main() -> None:
    """Run the module."""
    _module.main(act, OPTIONS)


if __name__ == "__main__":
    main()
