# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller makes of a drill's plan: the staging copy's description, and when drills start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.module_utils import _schedule, _staging_stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def staging_stack(stack: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``rollback_stack`` of a staging copy."""
    return _staging_stack.describe(stack, plan)


def drill_schedule(hour: int, minute: int = 0, timezone: str = "UTC", first: str | None = None) -> dict[str, str]:
    """Return when drills start: the last Friday of each month."""
    try:
        return _schedule.schedule(
            int(hour), int(minute), timezone, date.fromisoformat(first) if first else datetime.now(UTC).date()
        )
    except RollbackError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"staging_stack": staging_stack, "drill_schedule": drill_schedule}
