#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_switch
short_description: Take a stack to a restore point in one call, and back by itself if that fails
version_added: 0.1.0
description:
  - Puts configuration and image tags back, replaces the containers whose image or input differs, waits for their health
    and for the stack's checks, and compares every running image with the restore point by id.
  - New replicas are started before old ones stop where a service allows two at once; otherwise the new container is
    made beforehand and the outage is one stop and one start.
  - When the target does not get healthy, the state before is put back by the same code and the module fails.
  - The checks' URLs are asked all along; the log of that is kept with the report.
  - Whatever became of the run, its report and its line of the ledger are written and the lock is given free. A run that
    could neither reach its target nor return to the state before stays in the journal, to be continued or undone.
  - Outside check mode it continues the run that M(tiered.rollback.rollback_begin) began.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  target:
    description: Id of the restore point, as M(tiered.rollback.rollback_begin) returns it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Switch to the target
  tiered.rollback.stack_switch:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    target: "{{ _rollback_begin.target }}"
"""

RETURN = r"""
actions:
  description: What was done (or, in check mode, would be), a sentence each.
  returned: success
  type: list
  elements: str
checks:
  description: Checks after the switch with C(name), C(ok), C(detail) and C(milliseconds); empty in check mode.
  returned: success
  type: list
  elements: dict
outage:
  description: Longest time without any answer on one of the checks' URLs, in seconds; 0 in check mode.
  returned: success
  type: float
probe:
  description: >-
    Per URL the requests C(sent), C(failed) and C(unreachable), and in seconds the C(longest_gap) without a good answer
    and the C(longest_silence) without any.
  returned: success
  type: dict
report:
  description: Path of the Markdown report on the target, with the same as JSON beside it; null in check mode.
  returned: always
  type: str
record:
  description: Everything the report says; empty in check mode.
  returned: always
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _context,
    _ending,
    _files,
    _journal,
    _lock,
    _outcome,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan
from ansible_collections.tiered.rollback.plugins.module_utils._probe import Prober
from ansible_collections.tiered.rollback.plugins.module_utils._switch import Switch

OPTIONS = {**_context.RUN_OPTIONS, "target": {"type": "str", "required": True}}


def act(ctx: Context) -> dict[str, Any]:
    """Switch the stack, or in check mode say what that would do."""
    if ctx.module.check_mode:
        return _foretell(ctx)
    with _lock.held(ctx.state, ctx.run, wait=0):
        journal = _journal.load(ctx.state)
        if journal is None or journal.run.id != ctx.run.id or journal.before is None:
            raise RollbackError("this run was not begun on this host", "Call rollback_begin first.")
        return _switch(ctx, journal, journal.before)


def _foretell(ctx: Context) -> dict[str, Any]:
    point = ctx.store.load(ctx.module.params["target"])
    journal = _journal.load(ctx.state) or Journal(path=ctx.state, run=ctx.run, kind="", tier=1, target=point.id)
    _now, plan = Switch(ctx.stack, ctx.engine, ctx.compose, ctx.store, journal).plan(point)
    return {**_answer(plan), "checks": [], "outage": 0.0, "probe": {}, "report": None, "record": {}}


def _switch(ctx: Context, journal: Journal, before_id: str) -> dict[str, Any]:
    target, before = ctx.store.load(journal.target), ctx.store.load(before_id)
    switch = Switch(ctx.stack, ctx.engine, ctx.compose, ctx.store, journal)
    failure: RollbackError | None = None
    checks: list[dict[str, Any]] = []
    with Prober(ctx.stack.checks) as prober:
        try:
            checks = switch.to(target)
            outcome = _outcome.SUCCEEDED
        except Exception as error:  # whatever it was, the stack may be half switched: there is no other way than back
            failure = error if isinstance(error, RollbackError) else RollbackError(f"{type(error).__name__}: {error}")
            outcome, failure = _put_back(ctx.state, switch, before, failure)
    journal.facts.update(
        outcome=outcome,
        error=str(failure) if failure else None,
        checks_after=checks,
        probe=prober.summary(),
        outage=prober.outage(),
    )
    journal.save()
    try:
        ended = _ending.end(ctx.state, ctx.stack.name, journal, prober.lines())
    finally:
        _lock.release(ctx.state, ctx.run)
    if failure:
        raise RollbackError(failure.message, failure.hint, **ended)
    # The plan as it was when the run began: the same answer that check mode gives.
    plan = Plan.from_dict(journal.facts["plan"])
    facts = {key: journal.facts[key] for key in ("outage", "probe")}
    return {**_answer(plan), "checks": checks, **facts, **ended}


def _answer(plan: Plan) -> dict[str, Any]:
    return {"changed": bool(plan.steps), "actions": [str(step) for step in plan.steps], "diff": plan.diff()}


def _put_back(state: Path, switch: Switch, before: Any, failure: RollbackError) -> tuple[str, RollbackError]:
    try:
        _files.remove(state / _journal.BALLAST)
        switch.to(before)
    except Exception as error:  # the run must end with an outcome in its journal, whatever happened
        return _outcome.FAILED, RollbackError(
            f"{failure.message}. Putting the state before back failed too: {getattr(error, 'message', error)}",
            "Run the same command again (it continues), or undo.yml (it returns to the state before). Escalate.",
        )
    return _outcome.REVERTED, RollbackError(
        f"{failure.message}. The state before ({before.version}, {before.id}) was put back",
        failure.hint or "status.yml lists the versions that can be chosen instead.",
    )


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
