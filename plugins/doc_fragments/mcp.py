# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that ask a snapshot API."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that several modules have in common."""

    DOCUMENTATION = r"""
options:
  mcp:
    description:
      - The snapshot API of an MCP container, as the service C(peelback) of this collection provides it. It is what
        C(rollback_stack.mcp) holds.
    type: dict
    required: true
    suboptions:
      url:
        description: Where the API is, seen from the target; V(http://127.0.0.1:8082) for example.
        type: str
        required: true
      token:
        description: The bearer token.
        type: str
        required: true
      timeout:
        description:
          - Seconds for one request, retries included. A restore of much data takes its time.
        type: float
        default: 60
      services:
        description:
          - Services that work with the data. M(tiered.rollback.stack_switch) stops them while it is replaced; modules
            that only ask the API leave them alone.
        type: list
        elements: str
        default: []
requirements:
  - requests (Python package on the target)
author:
  - The tiered.rollback authors (@tiered)
"""
