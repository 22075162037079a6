# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger's lines come to: a row per run, and figures per tier (pure)."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _drill,
    _incident,
    _outcome,
    _quarantine,
    _stages,
)
from ansible_collections.tiered.rollback.plugins.module_utils._stages import STAGES

_COLUMNS = ("run", "started", "reason", "kind", "method", "tier", "from_version", "to_version", "user")
_FIGURES = ("duration", "outage", "outcome")
#: Kinds whose figures are not those of a tier.
_APART = {"ci": "CI", _drill.KIND: "drill {tier}", _outcome.DEPLOY: "deploy"}
#: How a cell begins that a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row(entry: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a run.

    :param entry: its line of the ledger.
    :param record: its report; empty where there is none.
    """
    return {
        **{key: entry.get(key) for key in (*_COLUMNS, *_FIGURES)},
        "method": _incident.method(entry),
        "stages": _stages.seconds(record),
        "recovery": _stages.recovery(record),
    }


def wanted(entry: Mapping[str, Any], tier: int | None, kind: str | None, since: str | None) -> bool:
    """Whether a line of the ledger is asked for.

    :param since: first day, in UTC.
    """
    return (
        tier in (None, entry.get("tier"))
        and kind in (None, entry.get("kind"))
        and (since is None or str(entry.get("started"))[:10] >= since)
    )


def by_tier(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures of each tier, and of CI; durations are those of runs that succeeded.

    Undoing a rollback is no recovery, so undos count only where there is nothing else. Deployments are counted apart,
    and what only released a version is none of these.
    """
    runs = [row for row in rows if row["kind"] != _quarantine.QUARANTINE]
    counted = [row for row in runs if row["kind"] != "undo"] or runs
    groups: dict[str, list[Mapping[str, Any]]] = {}
    last = {kind: number for number, kind in enumerate(_APART, 1)}
    for each in sorted(counted, key=lambda row: (last.get(row["kind"], 0), str(row["tier"]))):
        groups.setdefault(_APART.get(each["kind"], "tier {tier}").format(tier=each["tier"]), []).append(each)
    return [{"group": name, **_figures(found)} for name, found in groups.items()]


def _figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    good = [row for row in rows if row["outcome"] == _outcome.SUCCEEDED]
    durations = sorted(row["duration"] for row in good)
    outages = [row["outage"] for row in rows if row["outage"] is not None]
    return {
        "runs": len(rows),
        "succeeded": len(good),
        "success_rate": round(100 * len(good) / len(rows), 1),
        "median": round(statistics.median(durations), 3) if durations else None,
        "p95": durations[math.ceil(0.95 * len(durations)) - 1] if durations else None,
        "mttr": round(statistics.mean(durations), 3) if durations else None,
        "longest_outage": max(outages, default=None),
        "recovery": _mean([row["recovery"] for row in good]),
        "stages": {stage: _mean([row["stages"][stage] for row in good]) for stage in STAGES},
    }


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"seconds": round(statistics.mean(known), 3) if known else None, "runs": len(known)}


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows for a spreadsheet, in which no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_COLUMNS, *_FIGURES, *STAGES, "recovery"))
    for each in rows:
        cells = [*(each[key] for key in (*_COLUMNS, *_FIGURES)), *(each["stages"][stage] for stage in STAGES)]
        cells.append(each["recovery"])
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue()
