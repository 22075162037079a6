#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_record
short_description: Compare the staging copy with its restore point, and record the drill
version_added: 1.0.0
description:
  - Checks the staging copy of this run, compares every row of its databases with the restore point's, and writes the
    drill's report and a line of kind C(drill) to the ledger of the stack that was copied.
  - A drill succeeded when the tier did, within its budget, when every check holds, and when no row of the restore
    point is missing or changed. Records one that failed as well, however far it came.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  error:
    description: What went wrong on the way here.
    type: str
  lock_wait:
    description: Seconds to wait for a run on the stack itself.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Record the drill
  tiered.rollback.drill_record:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
"""

RETURN = r"""
succeeded:
  description: Whether the drill did.
  returned: success
  type: bool
told:
  description: The drill in one line.
  returned: success
  type: str
report:
  description: Path of the Markdown report on the target, with the same as JSON and HTML beside it.
  returned: success
  type: str
record:
  description: Everything the report says.
  returned: success
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _checks,
    _context,
    _database_copy,
    _drill_report,
    _files,
    _inject,
    _journal,
    _ledger,
    _outcome,
    _owned,
    _reports,
    _staging,
    _telling,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "error": {"type": "str"},
    "lock_wait": {"type": "int", "default": 300},
}


def act(ctx: Context) -> dict[str, Any]:
    """Compare and record, or in check mode say that it would."""
    error = ctx.module.params["error"]
    if error and not _staging.made(ctx):
        # It was refused before anything was made: there is nothing to tell but why.
        return {"changed": False, "succeeded": False, "told": error, "report": "", "record": {}}
    plan = _staging.recall(ctx)
    if ctx.module.check_mode:
        return {"changed": True, "succeeded": True, "told": f"record {plan['name']}", "report": "", "record": {}}
    rolled = _note(Path(plan["state_dir"]) / plan["name"] / "reports" / f"{ctx.run.id}.json")
    fault = _note(Path(plan["root"]) / _inject.NOTE)
    found: dict[str, Any] = {"error": error, "checks": [], "data": {}}
    if rolled and rolled.get("outcome") == _outcome.SUCCEEDED:
        try:
            found |= _look(ctx, plan)
        except RollbackError as error:
            found["error"] = found["error"] or str(error)
    record = _drill_report.record(ctx.run, plan, fault, rolled, found, _journal.now())
    with _owned.stack(ctx):
        report = _reports.write(ctx.state, record, _drill_report.markdown, _drill_report.next_steps, ctx.module.warn)
        _ledger.append(ctx.state, {**_outcome.summary(record), "fault": plan["fault"], "seed": plan["seed"]})
    return {
        "changed": True,
        "succeeded": record["outcome"] == _outcome.SUCCEEDED,
        "told": f"{_telling.headline(record)}: {record['error'] or _told(record)}",
        "report": str(report),
        "record": record,
    }


def _told(record: dict[str, Any]) -> str:
    drill = record["drill"]
    return (
        f"{drill['fault']} in {drill['service']}, tier {record['tier']} in {record['duration']:.1f} s "
        f"of {record['budget']} s, seed {drill['seed']}"
    )


def _note(path: Path) -> dict[str, Any] | None:
    data = _files.read(path)
    return None if data is None else _files.load_json(data, str(path))


def _look(ctx: Context, plan: dict[str, Any]) -> dict[str, Any]:
    """Check the copy as the tier has left it, and compare its data with the restore point's."""
    stack = _staging.description(ctx, plan)
    checks = [each.to_dict() for each in _checks.poll(stack.checks, stack.health_timeout)]
    bad = _staging.unwell(ctx.engine, plan)
    checks.append({"name": "containers", "ok": not bad, "found": "; ".join(bad) or "as captured", "milliseconds": 0.0})
    return {"checks": checks, "data": _compared(ctx, plan, stack)}


def _compared(ctx: Context, plan: dict[str, Any], stack: Stack) -> dict[str, list[dict[str, Any]]]:
    point, found = ctx.store.load(plan["point"]), {}
    for database in _staging.databases(stack, ctx.engine, plan):
        part, directory = point.databases[database.name], ctx.store.database(point, database.name)
        staged = database.stage(directory, part, point.id, _database_copy.silent)
        try:
            found[database.name] = [vars(table) for table in database.loss(staged)]
        finally:
            database.discard(staged)
    return found


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, drills=True)


if __name__ == "__main__":
    main()
