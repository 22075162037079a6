# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller makes of what AWX says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _awx


def awx_missing(
    wanted: Mapping[str, Any], found: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> dict[str, list[str]]:
    """Return the names of what is wanted and not there, by kind."""
    return _awx.missing(wanted, found or {})


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"awx_missing": awx_missing}
