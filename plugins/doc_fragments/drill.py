# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that plan a drill."""

from __future__ import annotations


class ModuleDocFragment:
    """What a drill is asked to be."""

    DOCUMENTATION = r"""
options:
  version:
    description: >-
      Version, V(previous) or restore point to make the copy from. The default is the newest that is proven.
    type: str
  fault:
    description: The fault; V(random) chooses among those that can be injected here.
    type: str
    choices:
      - container_kill
      - process_kill
      - network_cut
      - latency
      - disk_full
      - bad_config
      - bad_migration
      - bad_image
      - database_stop
      - random
    default: container_kill
  seed:
    description: What V(random) chooses by; the same number makes the same choice again.
    type: int
    default: 0
  service:
    description: The service that is hit. The default is the first one with checks.
    type: str
  tier:
    description: The tier that is rehearsed. The default is 1, and 2 for a fault that ruins data.
    type: int
    choices: [1, 2]
  without:
    description: Services that the copy goes without.
    type: list
    elements: str
    default: []
  copy_limit:
    description: MiB that may be copied of what services mount from the host.
    type: int
    default: 1024
"""
