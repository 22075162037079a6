# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CI rollbacks on a GitHub that takes 100 ms for each request: API calls, commits and time, against ``gh`` and git."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from ansible_collections.tiered.rollback.tests.bench import ci_ways
from ansible_collections.tiered.rollback.tests.bench.ci_ways import FILES, RUNS, SLEEP, SWAPS, Cost
from ansible_collections.tiered.rollback.tests.bench.report import Row, row

_SWAP, _ASSESS, _EMERGENCY = f"swap of {len(FILES)} files", f"assessment of {RUNS} runs", "emergency"
_BACKUPS = f"{_SWAP} from backups"
#: API calls of a swap and of an assessment, whatever their size.
_SWAP_CALLS, _ASSESS_CALLS = 8, 5

#: By what was done, and by whom: what each run of it took.
Costs = Mapping[str, Sequence[Cost]]


def measure(runs: int) -> list[Row]:
    """Measure everything, interleaved, and return the rows."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="tiered-bench-") as directory:
        bench = ci_ways.Bench(Path(directory))
        ways: dict[str, Callable[[], Cost]] = {
            **{f"{_SWAP} {kind}": partial(bench.swap, kind) for kind in SWAPS},
            f"{_BACKUPS}, document 000": bench.document_swap,
            _ASSESS: bench.assess,
            f"{_ASSESS}, document 001": bench.document_assess,
            _EMERGENCY: bench.emergency,
            f"{_EMERGENCY}, document 000": bench.document_emergency,
        }
        for number in range(1, runs + 1):
            for name, way in ways.items():
                # It sleeps a minute, so that once is enough to know.
                if number > 1 and way == bench.document_emergency:
                    continue
                costs[name].append(way())
                _tell(f"{number}/{runs} {name}", costs[name][-1])
        believed, document_believed = bench.believed(), bench.document_believed()
    return [*swap_rows(costs), *assess_rows(costs), *emergency_rows(costs, believed, document_believed)]


def swap_rows(costs: Costs) -> list[Row]:
    """Return the figures of every kind of swap, and against the document of the one that it knows."""
    bound = [
        entry
        for kind in SWAPS
        for name in [f"{_SWAP} {kind}"]
        for entry in (
            row(f"ci: {name}: API calls", _requests(costs[name]), "", bound=_SWAP_CALLS),
            row(f"ci: {name}: commits", max(cost.commits for cost in costs[name]), "", bound=1),
        )
    ]
    return [*bound, *_compared(costs, _BACKUPS, "document 000")]


def assess_rows(costs: Costs) -> list[Row]:
    """Return the figures of an assessment, alone and against the document."""
    calls = row(f"ci: {_ASSESS}: API calls", _requests(costs[_ASSESS]), "", bound=_ASSESS_CALLS)
    return [calls, *_compared(costs, _ASSESS, "document 001")]


def emergency_rows(costs: Costs, believed: bool, document_believed: bool) -> list[Row]:
    """Return the figures of an emergency, and whether a CI that stays broken was taken for one that works."""
    ours, document = costs[_EMERGENCY], costs[f"{_EMERGENCY}, document 000"]
    alone = _seconds(document) - SLEEP
    return [
        *_compared(costs, _EMERGENCY, "document 000"),
        row(f"ci: {_EMERGENCY}: command, against document 000 without its sleep", _seconds(ours), "s", peer=alone),
        row("ci: CI still broken, taken for working", int(believed), "", peer=int(document_believed), bound=0),
    ]


def _compared(costs: Costs, name: str, peer: str) -> list[Row]:
    ours, theirs = costs[name], costs[f"{name}, {peer}"]
    return [
        row(f"ci: {name}: requests, against {peer}", _requests(ours), "", peer=_requests(theirs)),
        row(f"ci: {name}: command, against {peer}", _seconds(ours), "s", peer=_seconds(theirs)),
        row(f"ci: {name}: of that, waiting for the API", median(cost.answered for cost in ours), "s"),
    ]


def _requests(costs: Sequence[Cost]) -> int:
    return max(cost.requests for cost in costs)


def _seconds(costs: Sequence[Cost]) -> float:
    return median(cost.seconds for cost in costs)


def _tell(title: str, cost: Cost) -> None:
    print(f"    {title}: {cost.seconds:.2f} s, {cost.requests} requests, {cost.commits} commits", flush=True)
