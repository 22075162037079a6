#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ci_record
short_description: Write the report and the ledger's line of a CI rollback
version_added: 1.0.0
description:
  - Last task of a CI rollback, whatever became of it. Writes the report as Markdown and JSON beside those of other
    runs, and appends the line of the run to the stack's ledger. A run is recorded once.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  outcome:
    description: What became of it.
    type: str
    choices: [succeeded, failed]
    required: true
  method:
    description: How it was done.
    type: str
    choices: [feature_flag, swap, revert, phased, forward]
    required: true
  facts:
    description: What is told of the run.
    type: dict
    required: true
    suboptions:
      repository: {description: The repository., type: str, required: true}
      branch: {description: The branch., type: str, required: true}
      before: {description: Commit before., type: str, required: true}
      after: {description: Commit after., type: str, required: true}
      pull_request: {description: Page of a pull request that waits., type: str}
      error: {description: What went wrong., type: str}
      undo: {description: Command that takes the run back., type: str}
      actions: {description: What was done., type: list, elements: str, default: []}
      metrics: {description: Figures before; see M(tiered.rollback.ci_status_info)., type: dict, default: {}}
      triggers: {description: Limits that were crossed., type: list, elements: dict, default: []}
      pull_requests: {description: Open pull requests., type: list, elements: dict, default: []}
      cancelled: {description: Runs that were cancelled., type: list, elements: dict, default: []}
      left_alone: {description: Runs that were left alone., type: list, elements: dict, default: []}
      proof:
        description: Runs that prove CI.
        type: list
        elements: dict
        default: []
        suboptions:
          file: {description: File name of the workflow., type: str, required: true}
          conclusion: {description: What the run came to., type: str}
          seconds: {description: How long it took., type: float}
          coverage: {description: Percent that its report says., type: float}
          artifacts: {description: Names of what it left., type: list, elements: str, default: []}
          remarks: {description: What could not be read., type: list, elements: str, default: []}
          url: {description: Its page., type: str}
  lock_wait:
    description: Seconds to wait for another run on the same stack; one with databases may keep it that long.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Record the run
  tiered.rollback.ci_record:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    outcome: succeeded
    method: swap
    facts:
      repository: "{{ rollback_stack.github.repository }}"
      branch: main
      before: "{{ swapped.before }}"
      after: "{{ swapped.after }}"
      actions: "{{ swapped.actions }}"
"""

RETURN = r"""
report:
  description: Path of the Markdown report; the same as JSON and HTML, and an incident report, are beside it.
  returned: success
  type: str
record:
  description: Everything that the report says.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ci_report,
    _context,
    _journal,
    _ledger,
    _module,
    _outcome,
    _owned,
    _reports,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context

_TEXT: dict[str, Any] = {"type": "str"}
_NEEDED: dict[str, Any] = {"type": "str", "required": True}
_LIST: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_DICTS: dict[str, Any] = {"type": "list", "elements": "dict", "default": []}
OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "outcome": {"type": "str", "choices": [_outcome.SUCCEEDED, _outcome.FAILED], "required": True},
    "method": {
        "type": "str",
        "choices": ["feature_flag", "swap", "revert", "phased", "forward"],
        "required": True,
    },
    "facts": {
        "type": "dict",
        "required": True,
        "options": {
            **dict.fromkeys(("repository", "branch", "before", "after"), _NEEDED),
            **dict.fromkeys(("pull_request", "error", "undo"), _TEXT),
            "actions": _LIST,
            "metrics": {"type": "dict", "default": {}},
            **dict.fromkeys(("triggers", "pull_requests", "cancelled", "left_alone"), _DICTS),
            "proof": {
                **_DICTS,
                "options": {
                    "file": _NEEDED,
                    "conclusion": _TEXT,
                    "seconds": {"type": "float"},
                    "coverage": {"type": "float"},
                    "artifacts": _LIST,
                    "remarks": _LIST,
                    "url": _TEXT,
                },
            },
        },
    },
    "lock_wait": {"type": "int", "default": 1800},
}


def act(ctx: Context) -> dict[str, Any]:
    """Record the run once, or in check mode say that it would be."""
    params = ctx.module.params
    facts = {**params["facts"], "method": params["method"]}
    record = _ci_report.record(ctx.run, ctx.stack.name, params["outcome"], facts, _journal.now())
    report = ctx.state / "reports" / f"{ctx.run.id}.md"
    recorded = any(entry["run"] == ctx.run.id for entry in _ledger.entries(ctx.state))
    if not recorded and not ctx.module.check_mode:
        with _owned.stack(ctx):
            _reports.write(ctx.state, record, _ci_report.markdown, _ci_report.next_steps, ctx.module.warn)
            _ledger.append(ctx.state, _ci_report.summary(record))
    actions = [] if recorded else [f"record run {ctx.run.id}"]
    return {**_module.acted(actions), "report": str(report), "record": record}


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
