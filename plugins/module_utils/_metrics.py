# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ledger and restore points come to, in the text format that Prometheus reads (pure).

Moments are told, and no ages: what is written once stays true, and who asks later subtracts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _outcome, _quarantine
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint

PREFIX = "tiered_rollback_"
#: Kinds of runs by which something recovers; undoing one is no recovery.
_RECOVERIES = ("rollback", "ci", "migration")
#: Kinds of lines that say nothing of the stack itself.
_ELSEWHERE = (_drill.KIND, _quarantine.QUARANTINE)
Samples = Iterator[tuple[dict[str, Any], float]]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric; every sample of it has exactly these labels beside ``stack``."""

    kind: str
    help: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = {
    "runs_total": Metric(
        kind="counter", help="Runs by kind, tier and what became of them.", labels=("kind", "tier", "outcome")
    ),
    "mttr_seconds": Metric(
        kind="gauge", help="Mean duration of the rollbacks that succeeded, by tier.", labels=("tier",)
    ),
    "last_run_timestamp_seconds": Metric(kind="gauge", help="When the newest run ended."),
    "last_run_duration_seconds": Metric(kind="gauge", help="How long the newest run took."),
    "last_run_success": Metric(kind="gauge", help="Whether the newest run succeeded."),
    "last_outage_seconds": Metric(
        kind="gauge", help="Longest time without an answer in the newest run in which somebody asked."
    ),
    "restore_points": Metric(
        kind="gauge", help="Restore points by kind, and whether they were proven.", labels=("kind", "proven")
    ),
    "newest_restore_point_timestamp_seconds": Metric(
        kind="gauge",
        help="When the newest restore point of a deployment was captured, and whether it was proven.",
        labels=("proven",),
    ),
}


def render(stack: str, entries: Sequence[Mapping[str, Any]], points: Sequence[tuple[RestorePoint, bool]]) -> str:
    """Return the metrics of a stack.

    :param entries: lines of the ledger, oldest first.
    :param points: restore points, oldest first, and whether each is proven.
    """
    samples = {
        "runs_total": _runs(entries),
        "mttr_seconds": _mttr(entries),
        **_last(entries),
        "restore_points": _counts(points),
        "newest_restore_point_timestamp_seconds": _newest(points),
    }
    lines: list[str] = []
    for name, metric in METRICS.items():
        found = [_line(name, {"stack": stack, **labels}, value) for labels, value in samples.get(name, ())]
        if found:
            lines += [f"# HELP {PREFIX}{name} {metric.help}", f"# TYPE {PREFIX}{name} {metric.kind}", *found]
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, labels: Mapping[str, Any], value: float) -> str:
    told = ",".join(f'{label}="{escaped(str(text))}"' for label, text in labels.items())
    return f"{PREFIX}{name}{{{told}}} {value:.15g}"


def escaped(text: str) -> str:
    """Return the value of a label as the format wants it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _runs(entries: Sequence[Mapping[str, Any]]) -> Samples:
    counted = Counter((str(e["kind"]), str(e["tier"]), str(e["outcome"])) for e in entries)
    for (kind, tier, outcome), count in sorted(counted.items()):
        yield {"kind": kind, "tier": tier, "outcome": outcome}, count


def _mttr(entries: Sequence[Mapping[str, Any]]) -> Samples:
    good = [e for e in entries if e["outcome"] == _outcome.SUCCEEDED and e["kind"] in _RECOVERIES]
    for tier in sorted({str("ci" if e["kind"] == "ci" else e["tier"]) for e in good}):
        durations = [e["duration"] for e in good if str("ci" if e["kind"] == "ci" else e["tier"]) == tier]
        yield {"tier": tier}, round(sum(durations) / len(durations), 3)


def _last(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[dict[str, Any], float]]]:
    runs = [e for e in entries if e["kind"] not in _ELSEWHERE]
    if not runs:
        return {}
    last = runs[-1]
    outages = [e["outage"] for e in runs if e.get("outage") is not None]
    return {
        "last_run_timestamp_seconds": [({}, _seconds(last["ended"]))],
        "last_run_duration_seconds": [({}, last["duration"])],
        "last_run_success": [({}, int(last["outcome"] == _outcome.SUCCEEDED))],
        "last_outage_seconds": [({}, outages[-1])] if outages else [],
    }


def _counts(points: Sequence[tuple[RestorePoint, bool]]) -> Samples:
    counted = Counter((point.kind, proven) for point, proven in points)
    # None is a figure too, and the one to be warned of.
    for kind in sorted({"deploy", *(point.kind for point, _proven in points)}):
        for proven in (False, True):
            yield {"kind": kind, "proven": str(proven).lower()}, counted[kind, proven]


def _newest(points: Sequence[tuple[RestorePoint, bool]]) -> Samples:
    for proven in (False, True):
        created = [point.created for point, known in points if point.kind == "deploy" and known is proven]
        if created:
            yield {"proven": str(proven).lower()}, max(map(_seconds, created))


def _seconds(moment: str) -> float:
    return round(datetime.fromisoformat(moment).timestamp(), 3)
