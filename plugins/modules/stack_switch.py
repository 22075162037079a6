#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_switch
short_description: Take a stack to a restore point in one call, and back by itself if that fails
version_added: 1.0.0
description:
  - Finds the restore point that is meant, reads every part of it again, makes sure that its images are at hand by id
    (pulling by digest what is missing), proves that there is room, and computes the plan; nothing is touched before.
  - Captures the state before as a restore point of its own, to which it returns when the target does not get healthy,
    and an undo returns to later.
  - Puts configuration and image tags back, replaces the containers whose image or input differs, waits for their health
    and for the stack's checks, and compares every running image with the restore point by id.
  - New replicas are started before old ones stop where a service allows two at once; otherwise the new container is
    made beforehand and the outage is one stop and one start.
  - Checks of other kinds than plain HTTP have to hold too, where they can tell at once; what asks Prometheus or
    Alertmanager, and would still see what was wrong before, is left to C(verify.yml).
  - When the target does not get healthy, the state before is put back by the same code and the module fails.
  - Of a stack with C(engine=swarm), every service's specification goes back, its image by digest, one group of services
    after the other as C(depends_on) says, each until it is well; see C(docs/swarm.md).
  - A run that was killed is found in the journal; this one then continues it and inherits its state before.
  - The checks' URLs are asked all along; the log of that is kept with the report.
  - Whatever became of the run, its report and its line of the ledger are written and the lock is given free. A run that
    could neither reach its target nor return to the state before stays in the journal, to be continued or undone.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  kind:
    description: >-
      V(rollback) goes to O(version), V(undo) to the state before an earlier run, and V(deploy) to a release that
      M(tiered.rollback.image_build) has made, O(version) being its id.
    type: str
    choices: [rollback, undo, deploy]
    default: rollback
  version:
    description: >-
      A version, V(previous), or the id of a restore point. Required with O(kind=rollback), unless only O(flags) or
      O(config) are asked for, or O(event) is given.
    type: str
  undo_run:
    description:
      - The run to undo, with O(kind=undo). The default is an unfinished run, else the newest rollback.
      - An undo that was killed is gone on with; name it here to undo it instead.
    type: str
  tier:
    description: The tier, which sets the time budget.
    type: int
    choices: [1, 2, 3]
    default: 1
  components:
    description: >-
      Services, or patterns of their names (V(mcp-*)), that go to O(version). With this, O(flags) or O(config) only what
      is named is touched; every other service keeps its containers, which is verified.
    type: list
    elements: str
    default: []
  flags:
    description: >-
      Feature flags and the value each shall have, V(true), V(false), a number or a word. They are set in the
      environment file that assigns them, or through the application's API where C(flags) of the stack describes one.
    type: dict
    default: {}
  config:
    description: >-
      Name of the backup in C(config) below the stack's state directory whose files go back, or V(newest).
      M(tiered.rollback.config_backup) makes them.
    type: str
  keep:
    description: Services, or patterns, that must not be touched; what would touch one is refused.
    type: list
    elements: str
    default: []
  snapshot:
    description: >-
      Id of the snapshot that the MCP container's data goes back to, while everything else stays. Services that the
      stack's C(mcp.services) names are stopped meanwhile.
    type: str
  levels:
    description: Instead of O(snapshot), how many snapshots back; states that runs saved before themselves do not count.
    type: int
  mcp:
    description: Whether the MCP container's data goes back too where the restore point has a snapshot of it.
    type: bool
    default: true
  phase:
    description: >-
      Name of a plan and number of a phase in it, with a slash between them. A phase that was done and still stands is
      not done again, since that would take back what a later one did to the same file.
    type: str
  checks:
    description: >-
      HTTP checks that must hold at the target as well, of the same form as those of the stack's services. Where one
      does not, the state before is put back.
    type: list
    elements: dict
    default: []
  schema_compatible:
    description: >-
      Whether the target works with the database schema there is. Without it a tier that leaves data alone refuses a
      target whose restore point was captured with another schema.
    type: bool
    default: false
  event:
    description:
      - The event that asks for this run, in place of a person. The module then looks at the stack, asks the decision
        matrix, and chooses O(version) and O(tier) itself, or does nothing, or says that people have to be called.
      - It never takes back what a rollback came to, nor goes to a version that was rolled back from; see C(auto).
    type: dict
    suboptions:
      source:
        description: Who says so.
        type: str
        default: person
      severity:
        description: As the decision matrix knows it. The default is the issue's own.
        type: str
      issue:
        description: As the decision matrix knows it.
        type: str
      service:
        description: The service that it is about, for the records.
        type: str
      version:
        description: The version that it is about. Where another one runs, the event is out of date.
        type: str
      reminders:
        description: How often people are called again while an outage lasts.
        type: int
        default: 3
      remind_after:
        description: Seconds between two calls.
        type: int
        default: 1800
  allow_quarantined:
    description: Whether the target may be a version that is quarantined; what a deployment returns to may.
    type: bool
    default: false
  deployment:
    description: >-
      What the report says of a deployment, with O(kind=deploy): C(back_to), the restore point of what runs, which must
      be what runs still, C(gates), C(skipped) and C(override_reason). A run that continues a killed one knows it.
    type: dict
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
  dead_run:
    description: Id of a run that the controller knows to be dead. Set by the action plugin of the same name.
    type: str
"""

EXAMPLES = r"""
- name: Go back to v0.9.0
  tiered.rollback.stack_switch:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v0.9.0
"""

RETURN = r"""
needed:
  description: Whether there is anything to do; false where the target is what runs already.
  returned: success
  type: bool
plan:
  description: The steps from what runs to the target.
  returned: success
  type: dict
  contains:
    target: {description: Id of the restore point., type: str}
    source: {description: "How images go back: V(git), V(variable), V(retag),
        or V(digest) in a swarm.", type: str}
    steps:
      description: Steps in order.
      type: list
      elements: dict
target:
  description: Id of the restore point that the run goes to.
  returned: success
  type: str
from_version:
  description: Name of the version that runs now.
  returned: success
  type: str
to_version:
  description: Version of the target.
  returned: success
  type: str
before:
  description: Id of the restore point that holds the state before; null in check mode and where nothing is to be done.
  returned: success
  type: str
pulled:
  description: Services whose image was pulled because it was not at hand; in check mode, would be.
  returned: success
  type: list
  elements: str
scope:
  description: Services that may be touched; null where the whole stack goes back.
  returned: success
  type: list
  elements: str
resumed:
  description: Id of the killed run that this one continues; null where there is none.
  returned: success
  type: str
auto:
  description: What was decided about O(event).
  returned: with O(event)
  type: dict
  contains:
    action: {description: "V(roll back), V(escalate) or V(nothing).", type: str}
    why: {description: Why., type: str}
    hint: {description: What people can do., type: str}
    call: {description: Whether people are to be called now., type: bool}
    outage: {description: Id of the run that called them first., type: str}
lock_holder:
  description: The run that holds the lock.
  returned: when the lock could not be had
  type: dict
actions:
  description: What was done (or, in check mode, would be), a sentence each.
  returned: success
  type: list
  elements: str
databases:
  description: >-
    By database, C(identity) of the one that is live now and C(displaced), the name under which the one before is kept.
    Empty where no database was exchanged. What each table lost is in C(record.loss).
  returned: success
  type: dict
checks:
  description: Checks after the switch with C(name), C(ok), C(found) and C(milliseconds); empty in check mode.
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
  description: Path of the Markdown report on the target, with the same as JSON and HTML beside it; null in check mode.
  returned: always
  type: str
record:
  description: Everything the report says; empty in check mode.
  returned: always
  type: dict
"""

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _begin,
    _carry_out,
    _checks,
    _context,
    _drivers,
    _flag_api,
    _further,
    _journal,
    _ledger,
    _mcp_part,
    _partial,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._further import Further
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Step
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check
from ansible_collections.tiered.rollback.plugins.module_utils._switch import Switch

_EVENT: dict[str, Any] = {
    "type": "dict",
    "options": {
        "source": {"type": "str", "default": "person"},
        "severity": {"type": "str"},
        "issue": {"type": "str"},
        "service": {"type": "str"},
        "version": {"type": "str"},
        "reminders": {"type": "int", "default": 3},
        "remind_after": {"type": "int", "default": 1800},
    },
}
OPTIONS: dict[str, dict[str, Any]] = {
    **_context.RUN_OPTIONS,
    "kind": {"type": "str", "choices": ["rollback", "undo", "deploy"], "default": "rollback"},
    "version": {"type": "str"},
    "undo_run": {"type": "str"},
    "tier": {"type": "int", "choices": [1, 2, 3], "default": 1},
    "components": {"type": "list", "elements": "str", "default": []},
    "flags": {"type": "dict", "default": {}},
    "config": {"type": "str"},
    "keep": {"type": "list", "elements": "str", "default": []},
    "snapshot": {"type": "str"},
    "levels": {"type": "int"},
    "mcp": {"type": "bool", "default": True},
    "phase": {"type": "str"},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "schema_compatible": {"type": "bool", "default": False},
    "event": _EVENT,
    "allow_quarantined": {"type": "bool", "default": False},
    "deployment": {"type": "dict"},
    "lock_wait": {"type": "int", "default": 30},
    "dead_run": {"type": "str"},
}


def act(ctx: Context) -> dict[str, Any]:
    """Switch the stack, or in check mode say what that would do."""
    params = ctx.module.params
    if params["kind"] != "undo" and not (_partial.given(params) or params["version"] or params["event"]):
        raise RollbackError("nothing is asked for", "Give a version, components with a version, flags, or a backup.")
    _checks.refuse_unknown_hosts([*ctx.stack.checks, *_wanted(ctx)])
    how: Any = _begin
    # Nobody waits for what their run does not need.
    if params["event"]:
        from ansible_collections.tiered.rollback.plugins.module_utils import _automatic as how
    if ctx.stack.engine == _stack.SWARM:
        from ansible_collections.tiered.rollback.plugins.module_utils import _swarm_begin as how
    if ctx.module.check_mode:
        return _answer(how.foretell(ctx))
    further = _further.prepare(ctx)
    with _begin.lock(ctx):
        begun = how.begin(ctx)
        journal = _journal.load(ctx.state)
        if not begun["needed"] or journal is None or journal.before is None:
            return _answer(begun)
        return {**_answer(begun), **_switch(ctx, journal, journal.before, further)}


def _answer(begun: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a call that switches nothing; one that does adds what it measured."""
    actions = [str(Step(**step)) for step in begun["plan"]["steps"]]
    measured = {"databases": {}, "checks": [], "outage": 0.0, "probe": {}, "report": None, "record": {}}
    return {**begun, "actions": actions, **measured}


def _switch(ctx: Context, journal: Journal, before_id: str, further: Further | None) -> dict[str, Any]:
    target, before = ctx.store.load(journal.target), ctx.store.load(before_id)
    if ctx.stack.engine == _stack.SWARM:
        from ansible_collections.tiered.rollback.plugins.module_utils._swarm_switch import SwarmSwitch

        swarmed = SwarmSwitch(ctx.stack, ctx.swarm, ctx.store, journal, _wanted(ctx))
        return _carry_out.carry_out(ctx, journal, swarmed, target, before)
    databases = _drivers.of(ctx, target.project) if target.databases and journal.tier > 1 else []
    data = Data(databases, ctx.store, journal, lambda: _ledger.runs(ctx.state))
    clients = (ctx.stack, ctx.engine, ctx.compose, ctx.store)
    switch = Switch(*clients, journal, data, _wanted(ctx), _mcp_part.of(ctx), further)
    return _carry_out.carry_out(ctx, journal, switch, target, before)


def _wanted(ctx: Context) -> list[Check]:
    """Return what was asked for at launch beside the stack's own checks: flags as wanted, and checks of this run."""
    flags = [
        _flag_api.check(ctx.stack.flag(name), value) for name, value in _partial.given(ctx.module.params).flags.items()
    ]
    return [*filter(None, flags), *_stack.checks(ctx.module.params["checks"], "checks")]


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True, mutually_exclusive=[("snapshot", "levels")])


if __name__ == "__main__":
    main()
