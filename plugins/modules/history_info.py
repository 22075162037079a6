#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: history_info
short_description: Tell the history of rollbacks, with figures by tier
version_added: 1.0.0
description:
  - Reads the ledger, whose chain of hashes is checked first, and the reports beside it. Changes nothing.
  - Fails at a ledger in which a line was changed, taken out or put in, naming the first line that does not follow from
    the one before. Lines that are missing at the end leave no trace in the chain itself. Compare RV(chain) with a hash
    that was noted elsewhere.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.attributes
options:
  tier:
    description: Only runs of this tier.
    type: int
    choices: [1, 2, 3]
  kind:
    description: Only runs of this kind.
    type: str
    choices: [rollback, undo, ci, migration, deploy, quarantine, drill]
  since:
    description: Only runs from this day on, in UTC, as C(2026-11-20).
    type: str
  formats:
    description: What to return the history as, beside the data.
    type: list
    elements: str
    choices: [csv, html]
    default: []
"""

EXAMPLES = r"""
- name: See how Tier 1 rollbacks went this month
  tiered.rollback.history_info:
    stack: "{{ rollback_stack }}"
    tier: 1
    since: "2026-11-01"
  register: history
"""

RETURN = r"""
history:
  description: Runs, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    run: {description: Its id., type: str}
    started: {description: When it began; UTC in ISO 8601., type: str}
    reason: {description: What triggered it., type: str}
    kind: {description: "V(rollback), V(undo), V(ci), V(migration), V(deploy), V(quarantine) or V(drill).", type: str}
    method: {description: By what it rolled back., type: str}
    tier: {description: Its tier., type: int}
    from_version: {description: What ran before., type: str}
    to_version: {description: Where it went., type: str}
    user: {description: Who ran it., type: str}
    duration: {description: Seconds., type: float}
    outage: {description: Longest time without an answer in seconds; null where nobody measured., type: float}
    outcome: {description: "V(succeeded), V(reverted) or V(failed).", type: str}
    stages:
      description: >-
        Seconds of C(detect), C(decide), C(approve), C(execute) and C(verify); null where the run's report does not say.
      type: dict
    recovery:
      description: Seconds from when it began to the proof that it works; null where one is unknown.
      type: float
tiers:
  description:
    - >-
      By tier, and of CI, the number of C(runs), how many C(succeeded), C(success_rate) in percent and
      C(longest_outage) in seconds.
    - >-
      Of those that succeeded also C(median), C(p95) and C(mttr) (mean) of the duration, and by stage the mean
      C(seconds) with the number of C(runs) that it is known of; so too C(recovery), from when it began to the proof.
    - Undos count only where there is nothing else.
  returned: success
  type: list
  elements: dict
chain:
  description: How many C(lines) the whole ledger has, and the C(hash) of the last one.
  returned: success
  type: dict
documents:
  description: The history by format.
  returned: success
  type: dict
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _files,
    _history,
    _history_html,
    _ledger,
    _names,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.STACK_OPTIONS,
    "tier": {"type": "int", "choices": [1, 2, 3]},
    "kind": {"type": "str", "choices": list(_names.choices("kind"))},
    "since": {"type": "str"},
    "formats": {"type": "list", "elements": "str", "choices": ["csv", "html"], "default": []},
}


def act(ctx: Context) -> dict[str, Any]:
    """Tell the history."""
    params = ctx.module.params
    _refuse_no_date(params["since"])
    entries = _ledger.entries(ctx.state)
    asked = [e for e in reversed(entries) if _history.wanted(e, params["tier"], params["kind"], params["since"])]
    rows = [_history.row(entry, _record(ctx, entry)) for entry in asked]
    tiers = _history.by_tier(rows)
    chain = {"lines": len(entries), "hash": entries[-1]["hash"] if entries else _ledger.GENESIS}
    documents = {
        "csv": lambda: _history.as_csv(rows),
        "html": lambda: _history_html.render(ctx.stack.name, rows, tiers, chain),
    }
    return {
        "changed": False,
        "history": rows,
        "tiers": tiers,
        "chain": chain,
        "documents": {name: documents[name]() for name in params["formats"]},
    }


def _refuse_no_date(text: str | None) -> None:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError as error:
        raise RollbackError(f"since is no date: {text!r}", "Write it as 2026-11-20.") from error


def _record(ctx: Context, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's report; empty where there is none (any more), or it is damaged."""
    path = ctx.state / "reports" / f"{entry['run']}.json"
    data = _files.read(path)
    try:
        return _files.load_json(data, str(path)) if data else {}
    except RollbackError as error:
        ctx.module.warn(error.message)
        return {}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
