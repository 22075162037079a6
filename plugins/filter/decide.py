# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision matrix as a filter: the same question always gets the same answer, and nothing is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _enforcement, _measured
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_KEYS = ("severity", "issue", "metrics")


def decide(
    question: Mapping[str, Any],
    approvers: Mapping[str, Any] | None = None,
    escalation: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Answer a question: ``severity`` and ``issue``, or ``metrics``."""
    try:
        asked = _asked(question)
        if "metrics" in asked:
            found, fired = _measured.decide(_measured.figures(asked["metrics"]))
        else:
            found, fired = _decision.decide(asked.get("severity"), asked.get("issue")), []
        return {
            **found.to_dict(),
            "fired": fired,
            "approvers": _enforcement.names_of(found.approval, approvers or {}),
            "escalation": _decision.escalation(found, escalation),
        }
    except RollbackError as error:
        raise AnsibleFilterError(str(error)) from error


def _asked(question: object) -> dict[str, Any]:
    known = isinstance(question, Mapping) and set(question) <= set(_KEYS)
    asked = {key: value for key, value in question.items() if value} if known and isinstance(question, Mapping) else {}
    if not asked or ("metrics" in asked and len(asked) > 1):
        raise RollbackError("decide cannot tell what is asked", "Give severity, issue or both; or metrics alone.")
    return asked


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"decide": decide}
