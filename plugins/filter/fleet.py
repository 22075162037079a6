# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller decides of a fleet, as filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.module_utils import _fleet
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _whole(value: Any) -> Any:
    """Return data as it is: Ansible hands over containers that evaluate what is in them only when it is looked at."""
    if isinstance(value, Mapping):
        return {str(key): _whole(entry) for key, entry in value.items()}
    return [_whole(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def fleet_plan(
    hosts: Sequence[str], canary: str = "1", batch: str = "25%", failures: str = "20%", done: str = "keep"
) -> dict[str, Any]:
    """Return in which batches hosts have their turn."""
    try:
        return _fleet.plan(_whole(hosts), str(canary), str(batch), str(failures), done)
    except RollbackError as error:
        raise AnsibleFilterError(str(error)) from error


def fleet_result(answer: Mapping[str, Any], host: str, run: str = "") -> dict[str, Any]:
    """Return what became of a host."""
    return _fleet.result(_whole(answer), host, run)


def fleet_verdict(plan: Mapping[str, Any], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say whether the fleet is to be stopped."""
    return _fleet.verdict(_whole(plan), _whole(results))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {
            "fleet_plan": fleet_plan,
            "fleet_result": fleet_result,
            "fleet_verdict": fleet_verdict,
        }
