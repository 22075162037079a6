# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emergency rollback of images, against the written procedure, a hand-written playbook and the engine itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ansible_collections.tiered.rollback.tests.bench import stacks
from ansible_collections.tiered.rollback.tests.bench.load import Load, outage, percentile
from ansible_collections.tiered.rollback.tests.bench.procedures import (
    PATH,
    VERSION,
    CommunityDocker,
    Document,
    EngineItself,
    Ours,
    Procedure,
)
from ansible_collections.tiered.rollback.tests.bench.report import Row, row
from ansible_collections.tiered.rollback.tests.support import proxied
from ansible_collections.tiered.rollback.tests.support.stack import Stack

#: Seconds of load before and after the command.
_BEFORE, _AFTER = 1.0, 1.0


@dataclass(frozen=True)
class Run:
    """One repetition; *sent* and *failed* count from the command's start to a second after its end."""

    seconds: float
    outage: float
    sent: int
    failed: int
    p99: float


Runs = Sequence[Run]


def measure(runs: int) -> list[Row]:
    """Measure everything, interleaved, and return the rows."""
    ours, community, document = Ours(), CommunityDocker(), Document("004")
    port_procedures: list[Procedure] = [ours, community, document, Document("003"), EngineItself()]
    proxy_procedures: list[Procedure] = [ours, community, document]
    with stacks.Bench() as bench:
        port, proxy = bench.stack(stacks.published), bench.stack(proxied.compose)
        tasks = [_tasks(port, ours), _tasks(port, community)]
        on_port: dict[str, list[Run]] = {}
        behind_proxy: dict[str, list[Run]] = {}
        for number in range(1, runs + 1):
            for procedure in port_procedures:
                found = _once(port, procedure, f"{number}/{runs} published port")
                on_port.setdefault(procedure.name, []).append(found)
            for procedure in proxy_procedures:
                found = _once(proxy, procedure, f"{number}/{runs} behind a proxy")
                behind_proxy.setdefault(procedure.name, []).append(found)
    return [*proxy_rows(behind_proxy), *port_rows(on_port), row("tasks on the target", tasks[0], "", peer=tasks[1])]


def proxy_rows(measured: Mapping[str, Runs]) -> list[Row]:
    """Return what clients behind the proxy saw; counts are over all runs."""
    ours = measured[Ours.name]
    rows = [
        row("proxy: failed requests", sum(run.failed for run in ours), "", bound=0),
        row("proxy: requests sent", sum(run.sent for run in ours), ""),
        row("proxy: p99 during the command", 1000 * median(run.p99 for run in ours), "ms"),
        row("proxy: longest time without a good answer", _outage(ours), "s"),
    ]
    for name, runs in measured.items():
        if name != Ours.name:
            rows.append(row(f"proxy: failed requests of {name}", sum(run.failed for run in runs), ""))
    return rows


def port_rows(measured: Mapping[str, Runs]) -> list[Row]:
    """Return outage and duration on a published port, ours against each of the others."""
    ours = measured[Ours.name]
    bounds = {EngineItself.name: (1.2, None), CommunityDocker.name: (0.5, 0.6)}
    rows = []
    for name, runs in measured.items():
        outage_bound, wall_bound = bounds.get(name, (None, None))
        if name == Ours.name:
            continue
        rows.append(row(f"port: outage, against {name}", _outage(ours), "s", peer=_outage(runs), bound=outage_bound))
        if name != EngineItself.name:
            rows.append(row(f"port: command, against {name}", _wall(ours), "s", peer=_wall(runs), bound=wall_bound))
    return rows


def _outage(runs: Runs) -> float:
    return median(run.outage for run in runs)


def _wall(runs: Runs) -> float:
    return median(run.seconds for run in runs)


def _tasks(stack: Stack, procedure: Ours | CommunityDocker) -> int:
    """Count tasks in a run that is not measured, and that fills Ansible's caches for those that are."""
    stacks.put_back(stack)
    procedure.prepare(stack)
    return procedure.target_tasks(stack)


def _once(stack: Stack, procedure: Procedure, title: str) -> Run:
    stacks.put_back(stack)
    procedure.prepare(stack)
    with Load(stack.port, PATH) as load:
        time.sleep(_BEFORE)
        begin = time.monotonic()
        procedure.run(stack)
        end = time.monotonic()
        time.sleep(_AFTER)
    if (answer := stack.ask(PATH)).version != VERSION:
        raise RuntimeError(f"{procedure.name} ended, and {answer.version or 'nothing'} answers")
    counted = [request for request in load.requests if request.due >= begin]
    found = Run(
        seconds=end - begin,
        outage=outage(load.requests, begin, max(request.done for request in load.requests)),
        sent=len(counted),
        failed=sum(not request.good for request in counted),
        p99=percentile([request for request in counted if request.due <= end], 0.99),
    )
    print(
        f"    {title}, {procedure.name}: {found.seconds:.2f} s, outage {found.outage:.2f} s, "
        f"{found.failed} of {found.sent} requests failed, p99 {1000 * found.p99:.0f} ms",
        flush=True,
    )
    return found
