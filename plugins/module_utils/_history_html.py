# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of rollbacks as one page that needs nothing beside itself (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _telling
from ansible_collections.tiered.rollback.plugins.module_utils._markup import (
    Markup,
    element,
    page,
    picture,
    section,
    table,
)
from ansible_collections.tiered.rollback.plugins.module_utils._stages import STAGES

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 320, 70, 190, 12, 284
_LEVELS = ((1, "1 s"), (5, "5 s"), (30, "30 s"), (60, "1 min"), (300, "5 min"), (1800, "30 min"), (7200, "2 h"))
_LIMITS = {300: "budget of tier 1", 1800: "budget of tiers 2 and 3"}
#: Class and SVG path of a mark, by outcome: colour is not the only sign.
_MARKS: Mapping[str, tuple[str, str, str]] = {
    _outcome.SUCCEEDED: ("good", "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z", "circle"),
    _outcome.REVERTED: ("warn", "M0,-7l7,13h-14z", "triangle"),
    _outcome.FAILED: ("bad", "M-6,-6l12,12M6,-6l-12,12", "cross"),
}


def render(
    stack: str, rows: Sequence[Mapping[str, Any]], tiers: Sequence[Mapping[str, Any]], chain: Mapping[str, Any]
) -> str:
    """Return the page.

    :param rows: newest first.
    :param tiers: figures by tier, as :func:`_history.by_tier` returns them.
    :param chain: how many lines the ledger has, and the hash of the last.
    """
    title = f"Rollbacks of {stack}"
    drawn = [row for row in rows if row["started"] and row["duration"] is not None]
    parts: list[Markup] = [element("h1", title), section("By tier", _by_tier(tiers))]
    if drawn:
        parts.append(section("Duration of each run", _plot(drawn), element("p", _legend(), class_="soft")))
    parts += [
        section("Time to recovery, in means", _recovery(tiers)),
        section("History", _table(rows)),
        section(
            "Proof",
            element("p", f"The ledger's {chain['lines']} lines follow from each other. Hash of the last:"),
            element("p", element("code", chain["hash"])),
        ),
    ]
    return page(title, *parts)


def _by_tier(tiers: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        (
            tier["group"],
            tier["runs"],
            f"{tier['succeeded']} ({tier['success_rate']:g} %)",
            *(_telling.seconds(tier[key]) for key in ("median", "p95", "mttr", "longest_outage")),
        )
        for tier in tiers
    ]
    head = ("", "runs", "succeeded", "median duration", "95th percentile", "mean", "longest time without an answer")
    return table(head, rows)


def _recovery(tiers: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        (
            tier["group"],
            *(_stage(tier["stages"][stage]) for stage in STAGES),
            _telling.seconds(tier["mttr"]),
            _stage(tier["recovery"]),
        )
        for tier in tiers
    ]
    return table(("", *STAGES, "whole run", "from its begin to the proof"), rows)


def _stage(mean: Mapping[str, Any]) -> str:
    return f"{_telling.seconds(mean['seconds'])} ({mean['runs']} runs)" if mean["runs"] else _telling.UNKNOWN


def _table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    cells = [
        (
            _telling.moment(row["started"]),
            row["reason"],
            row["kind"],
            row["method"],
            row["tier"] or "-",
            f"{row['from_version']} → {row['to_version']}",
            _telling.seconds(row["duration"]),
            _telling.seconds(row["outage"]),
            row["outcome"],
            row["run"],
        )
        for row in rows
    ]
    head = ("date", "reason", "kind", "method", "tier", "versions", "duration", "no answer", "outcome", "run")
    return table(head, cells)


def _legend() -> str:
    return "; ".join(f"{shape}: {outcome}" for outcome, (_class, _path, shape) in _MARKS.items())


def _plot(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw each run as a mark, by date and duration; the scale of durations is logarithmic."""
    times = [datetime.fromisoformat(row["started"]).timestamp() for row in rows]
    first, span = min(times), max(times) - min(times)
    most = max(1800.0, *(row["duration"] for row in rows)) * 1.3

    def y(seconds: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * math.log(max(seconds, 0.5) / 0.5) / math.log(most / 0.5), 1)

    lines = [_level(level, name, y(level)) for level, name in _LEVELS if level < most]
    marks = []
    for row, time in zip(rows, times, strict=True):
        share = (time - first) / span if span else 0.5
        marks.append(_mark(row, round(_LEFT + 20 + (_WIDTH - _LEFT - _RIGHT - 40) * share, 1), y(row["duration"])))
    days = [(_LEFT, "start", rows[-1]), (_WIDTH - _RIGHT, "end", rows[0])]
    dates = [
        element("text", row["started"][:10], x=x, y=_BOTTOM + 22, text_anchor=anchor, class_="soft")
        for x, anchor, row in days
    ]
    label = f"{len(rows)} runs from {rows[-1]['started'][:10]} to {rows[0]['started'][:10]} by duration"
    return picture(_WIDTH, _HEIGHT, label, *lines, *dates, *marks)


def _level(level: float, name: str, y: float) -> Markup:
    limit = _LIMITS.get(int(level))
    line = element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="limit" if limit else "grid")
    texts = [element("text", name, x=_LEFT - 8, y=y + 4, text_anchor="end", class_="soft")]
    if limit:
        texts.append(element("text", limit, x=_WIDTH - _RIGHT + 8, y=y + 4))
    return element("g", line, *texts)


def _mark(row: Mapping[str, Any], x: float, y: float) -> Markup:
    class_, path, _shape = _MARKS.get(row["outcome"], _MARKS[_outcome.FAILED])
    note = f"{row['run']}: {row['outcome']} after {_telling.seconds(row['duration'])}, tier {row['tier']}"
    return element("path", element("title", note), d=path, class_=class_, transform=f"translate({x},{y})")
