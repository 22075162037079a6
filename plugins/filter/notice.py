# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run, as a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _notice


def notice(run: Mapping[str, Any], stack: str, asked: str, result: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Tell of a run: that it begins, or what became of it."""
    return _notice.begun(run, stack, asked) if result is None else _notice.ended(run, stack, asked, result)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"notice": notice}
