# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that ask GitHub."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that several modules have in common."""

    DOCUMENTATION = r"""
options:
  github:
    description:
      - The repository on GitHub. It is what C(rollback_stack.github) holds.
    type: dict
    required: true
    suboptions:
      repository:
        description: The repository as V(owner/name).
        type: str
        required: true
      token:
        description:
          - A token that may use the repository. A fine-grained one needs the permissions C(actions), C(contents) and
            C(pull_requests) to read; to dispatch and cancel C(actions) to write; to swap files C(contents) and
            C(workflows) to write, and C(pull_requests) too where the branch is protected.
        type: str
        required: true
      url:
        description: URL of the REST API; V(https://HOST/api/v3) for GitHub Enterprise Server.
        type: str
        default: https://api.github.com
      clone_url:
        description:
          - URL that git finds the repository at. Follows from O(github.url) and O(github.repository). The token is sent
            to one that begins with C(http), others have their keys.
        type: str
      branch:
        description: The branch that is rolled back. Without it, the repository's default branch.
        type: str
      timeout:
        description: Seconds for one request, retries included. A rate limit that ends within it is waited out.
        type: float
        default: 30
requirements:
  - requests (Python package on the target)
author:
  - The tiered.rollback authors (@tiered)
"""
