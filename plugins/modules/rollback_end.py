#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback_end
short_description: Record a run in the ledger, write its report, give the lock free
version_added: 0.1.0
description:
  - Last step of a run, whatever became of it. Where no run is unfinished it does nothing.
  - A run that could neither reach its target nor return to the state before stays in the journal, so that the same
    command continues it and an undo undoes it.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
"""

EXAMPLES = r"""
- name: Record the run
  tiered.rollback.rollback_end:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
"""

RETURN = r"""
report:
  description: Path of the Markdown report on the target, with the same as JSON beside it; null if no run was recorded.
  returned: success
  type: str
record:
  description: Everything the report says. Empty where no run was recorded.
  returned: success
  type: dict
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _files,
    _journal,
    _ledger,
    _lock,
    _outcome,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal


def act(ctx: Context) -> dict[str, Any]:
    """Record the run that the journal names, if it is this one."""
    journal = _journal.load(ctx.state)
    if journal is None or journal.run.id != ctx.run.id or "outcome" not in journal.facts:
        return {"changed": False, "report": None, "record": {}, "diff": {"before": "", "after": ""}}
    full = _outcome.record(journal, ctx.stack.name, _journal.now())
    report = ctx.state / "reports" / f"{ctx.run.id}.md"
    if not ctx.module.check_mode:
        with _lock.held(ctx.state, ctx.run, wait=5):
            _write(ctx, journal, full)
            _lock.release(ctx.state, ctx.run)
    return {
        "changed": True,
        "report": str(report),
        "record": full,
        "diff": {"before": "", "after": f"{report}\n"},
    }


def _write(ctx: Context, journal: Journal, full: dict[str, Any]) -> None:
    reports = _files.private_directory(ctx.state / "reports")
    _files.write(reports / f"{ctx.run.id}.json", _files.dump_json(full))
    _files.write(reports / f"{ctx.run.id}.md", _outcome.markdown(full).encode())
    _ledger.append(ctx.state, _outcome.summary(full))
    _files.remove(ctx.state / _journal.BALLAST)
    if full["outcome"] != _outcome.FAILED:
        journal.close()


def main() -> None:
    """Run the module."""
    _context.main(act, _context.RUN_OPTIONS)


if __name__ == "__main__":
    main()
