# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fault to healthy with nobody there: ``url_health``, ansible-rulebook, and the playbook that it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from ansible_collections.tiered.rollback.tests.bench import stacks
from ansible_collections.tiered.rollback.tests.bench.procedures import PATH, VERSION
from ansible_collections.tiered.rollback.tests.bench.report import Row, row
from ansible_collections.tiered.rollback.tests.support import events
from ansible_collections.tiered.rollback.tests.support.events import Processes, Rulebook
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_INTERVAL = 2.0
_FAILURES = 3
#: What may pass after the fault is known at the latest.
_AFTER = 8.0


@dataclass(frozen=True)
class Run:
    """One repetition: seconds from fault to playbook, from there to healthy, and all of it."""

    begun: float
    healthy: float
    total: float


def measure(runs: int) -> list[Row]:
    """Break a stack again and again, each time at another moment of the beat, and return the rows."""
    events.install()
    with stacks.Bench() as bench:
        stack = bench.stack(stacks.published)
        target = {"stack": stack.name, "service": "api", "url": f"http://127.0.0.1:{stack.port}{PATH}"}
        processes = Processes(bench.directory)
        try:
            rulebook = Rulebook(processes, [stack], health_targets=[target], health_interval=_INTERVAL)
            events.poll(rulebook.ready, "the rulebook listens")
            found = [_once(stack, rulebook, number / runs, f"{number + 1}/{runs}") for number in range(runs)]
        finally:
            processes.stop()
    return rows(found)


def rows(found: list[Run]) -> list[Row]:
    """Return the medians, and the bound on the whole."""
    bound = _FAILURES * _INTERVAL + _AFTER
    return [
        row("auto: from fault to healthy", median(run.total for run in found), "s", bound=bound),
        row("auto: from fault to the playbook's begin", median(run.begun for run in found), "s"),
        row("auto: from the playbook's begin to healthy", median(run.healthy for run in found), "s"),
    ]


def _once(stack: Stack, rulebook: Rulebook, phase: float, title: str) -> Run:
    stack.trouble("", "")
    stacks.put_back(stack)
    # Three automatic rollbacks a day are the most there are.
    (stack.state / stack.name / "ledger.jsonl").unlink(missing_ok=True)
    ended = rulebook.ended
    # Once it was seen healthy, for which a beat or two pass.
    time.sleep((2 + phase) * _INTERVAL)
    stack.trouble(stacks.NEW, "broken")
    fault = datetime.now(UTC)
    events.poll(lambda: (answer := stack.ask(PATH)).status == 200 and answer.version == VERSION, "it is rolled back")
    healthy = datetime.now(UTC)
    events.poll(lambda: rulebook.ended > ended, "the run ends")
    begun = datetime.fromisoformat(stack.report()[0]["started"])
    run = Run((begun - fault).total_seconds(), (healthy - begun).total_seconds(), (healthy - fault).total_seconds())
    print(
        f"    {title}: {run.total:.2f} s from fault to healthy, of them {run.begun:.2f} s to the playbook's begin, "
        f"interval {_INTERVAL:g} s",
        flush=True,
    )
    return run
