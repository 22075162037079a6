# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration rollback came to, as data, and the same told to a person in Markdown (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _masking, _outcome, _report_tables
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain, table

_NEXT = {
    _outcome.SUCCEEDED: (
        "See that the application works with the schema: `ansible-playbook verify.yml`.",
        "Identify what was wrong with the migration.",
        "To undo this run: `ansible-playbook undo.yml -e run={run}`.",
    ),
    _outcome.FAILED: (
        "Look at the error above; a command may have done a part of its work.",
        "The copy that was made before: `ansible-playbook tier2-standard.yml -e version={before}`.",
        "Escalate when the application does not work with the schema there is.",
    ),
}


def record(
    journal: Journal,
    stack: str,
    ended: str,
    schemas: Mapping[str, Mapping[str, str | None]],
) -> dict[str, Any]:
    """Return everything there is to say of a run; what was printed is left out, since it may hold anything.

    :param schemas: version of each database's schema ``before`` and ``after``.
    """
    full = _outcome.record(journal, stack, ended)
    found: dict[str, Any] = _masking.mask({**full, "schemas": dict(schemas)}, journal.secrets)
    return found


def failure(error: RollbackError, before: str, state: str) -> RollbackError:
    """Return the error of a run that failed after the copy was made.

    :param state: what it has left of the schemas, as far as that can be seen.
    """
    return RollbackError(
        f"{error.message}; {state}",
        f"{error.hint} The state before is restore point {before}: tier2-standard.yml -e version={before} goes there.",
    )


def markdown(full: Mapping[str, Any]) -> str:
    """Render a record."""
    rows = _report_tables.identity(full)
    lines = [
        f"# Migration rollback report: {full['stack']}",
        "",
        f"**Migration rollback {'succeeded' if full['outcome'] == _outcome.SUCCEEDED else 'failed'}.**",
        "",
        *table(("", ""), [*rows, ("duration", f"{full['duration']:.1f} s"), ("copy made before", full["before"])]),
        *_outcome.decision(full["decision"]),
    ]
    if full.get("error"):
        lines += ["## Error", "", "```", plain(full["error"]), "```", ""]
    schemas = [(name, found["before"], found["after"] or "unknown") for name, found in full["schemas"].items()]
    lines += ["## Schemas", "", *table(("database", "before", "after"), schemas), "## Actions", ""]
    lines += [*(f"- {plain(action)}" for action in full["actions"]), ""]
    lines += ["## Checks before", "", *table(*_report_tables.checks(full.get("checks_before", ())))]
    lines += ["## Next steps", "", *(f"- [ ] {step}" for step in next_steps(full)), "", *_outcome.escalation(full)]
    return "\n".join(lines)


def next_steps(full: Mapping[str, Any]) -> list[str]:
    """Return what is to be done after a run."""
    return [step.format(run=full["run"], before=full["before"]) for step in _NEXT[full["outcome"]]]
