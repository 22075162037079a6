# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook takes at launch, said once for the check at launch and for surveys (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _enforcement, _stages


def accepted(arguments: Mapping[str, Any]) -> list[str]:
    """Return the launch variables that a playbook takes, in the order in which people are asked for them.

    :param arguments: those of its task ``tiered.rollback.launch``.
    """
    return [
        *(arguments.get("required") or ()),
        *(arguments.get("optional") or ()),
        "reason",
        *(_enforcement.VARIABLES if arguments.get("tier") else ()),
        *_stages.VARIABLES,
    ]
