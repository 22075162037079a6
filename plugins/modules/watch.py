#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: watch
short_description: Watch a stack for a while, and say what breaks a limit
version_added: 1.0.0
description:
  - Runs checks side by side again and again, and looks at every container (state, health, restarts, lines of errors in
    its log, CPU, memory), until the time is over or a limit is broken. Changes nothing, and does not hold the stack, so
    that a rollback can begin meanwhile; what broke a limit is an answer, not a failure.
  - The checks are those of services, those of C(rollback_stack.checks), those of O(checks) and those of a profile, as
    M(tiered.rollback.verify_info) runs them, a service's with one request each.
  - A restart, and more lines of errors than O(error_lines), break a limit at once; everything else when it was wrong in
    O(failures) samples in a row.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
options:
  minutes:
    description: How long to watch.
    type: float
    default: 30
  interval:
    description: Seconds from one sample to the next.
    type: float
    default: 5
  failures:
    description: Samples in a row in which the same check must fail.
    type: int
    default: 3
  error_lines:
    description: Lines in a container's log that may speak of errors, per minute. Without it they are only counted.
    type: int
  cpu:
    description: Per cent of one processor that a container may use. Without it the most is only told.
    type: float
  memory:
    description: Per cent of its limit that a container may use. Without it the most is only told.
    type: float
  checks:
    description: Checks beside those of the stack.
    type: list
    elements: dict
    default: []
  profile:
    description: A checklist, as for M(tiered.rollback.verify_info).
    type: dict
  budgets:
    description: Budgets in place of the profile's own, by name.
    type: dict
    default: {}
  pages:
    description: URLs of pages, whose budget is another than that of an API.
    type: list
    elements: str
    default: []
  prometheus:
    description: URL of Prometheus for checks that name none.
    type: str
  alertmanager:
    description: URL of Alertmanager for checks that name none.
    type: str
  timeout:
    description: Seconds after which a check that has not ended has failed in that sample.
    type: int
    default: 15
attributes:
  check_mode:
    description: Takes one sample.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Watch for half an hour
  tiered.rollback.watch:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    error_lines: 20
  register: watched
"""

RETURN = r"""
breach:
  description: What broke a limit; empty where nothing did.
  returned: success
  type: str
samples:
  description: How many were taken.
  returned: success
  type: int
seconds:
  description: How long it was watched.
  returned: success
  type: float
checks:
  description: Every check with C(name), C(samples), C(failed) and C(found) (what its last failure found), worst first.
  returned: success
  type: list
  elements: dict
containers:
  description:
    - Every container with C(name), C(errors) (lines), C(restarts), C(cpu_most) and C(memory_most) (per cent), and
      C(memory_bytes) (the most).
  returned: success
  type: list
  elements: dict
"""

import time
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _check_kinds,
    _context,
    _files,
    _journal,
    _verify,
    _watch,
)
from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe, refresh

OPTIONS = {
    **_context.RUN_OPTIONS,
    "minutes": {"type": "float", "default": 30},
    "interval": {"type": "float", "default": 5},
    "failures": {"type": "int", "default": 3},
    "error_lines": {"type": "int"},
    "cpu": {"type": "float"},
    "memory": {"type": "float"},
    **_verify.CHECK_OPTIONS,
    "timeout": {"type": "int", "default": 15},
}
_TELL_EVERY = 60.0


def act(ctx: Context) -> dict[str, Any]:
    """Watch, and say what came of it."""
    params = ctx.module.params
    if min(params["minutes"], params["interval"], params["failures"], params["timeout"]) <= 0:
        raise RollbackError("minutes, interval, failures and timeout must be above 0", "Leave out what is to be usual.")
    limits = _watch.Limits(
        failures=params["failures"], errors=params["error_lines"], cpu=params["cpu"], memory=params["memory"]
    )
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    prepared, _left_out = _verify.prepare(ctx, now, requests=1)
    containers, streaks = _watch.Containers(ctx.engine, limits), _watch.Streaks(limits.failures)

    def sample() -> list[Verdict]:
        at = refresh(now, ctx.engine)
        found = _check_kinds.run(prepared, _verify.subject(ctx, at, params["timeout"]))
        return [*found, *containers.sample(at.containers)]

    seconds = 0.0 if ctx.module.check_mode else params["minutes"] * 60
    begun = time.monotonic()
    journal = _told(ctx, params["minutes"])
    try:
        breach, count = _watch.watch(
            sample, streaks, _Teller(journal, containers, seconds).tell, seconds=seconds, interval=params["interval"]
        )
    finally:
        journal.close()
    return {
        "changed": False,
        "breach": breach,
        "samples": count,
        "seconds": round(time.monotonic() - begun, 1),
        "checks": streaks.summary(),
        "containers": containers.summary(),
    }


def _told(ctx: Context, minutes: float) -> Journal:
    _files.private_directory(ctx.state)
    journal = ctx.journal(_journal.WATCH, "watch", 1, "")
    journal.facts["budget"] = round(minutes * 60)
    return journal


class _Teller:
    """Writes what a watch sees for who follows it: each sample that fails, and one a minute."""

    def __init__(self, journal: Journal, containers: _watch.Containers, seconds: float) -> None:
        self._journal = journal
        self._containers = containers
        self._seconds = round(seconds)
        self._last = float("-inf")

    def tell(self, verdicts: list[Verdict], elapsed: float) -> None:
        if elapsed - self._last >= _TELL_EVERY or not all(verdict.ok for verdict in verdicts):
            self._last = elapsed
            with self._journal.step(_watch.describe(verdicts, self._containers.summary())):
                pass
        self._journal.progress(round(elapsed), self._seconds, "seconds")


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS)


if __name__ == "__main__":
    main()
