# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person at a terminal is told of a run, in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BAR = 20


def clock(seconds: float) -> str:
    """Return seconds as ``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def gauge(elapsed: float, budget: float | None) -> str:
    """Draw the share of a budget that is used up; nothing where there is no budget."""
    if not budget:
        return ""
    filled = min(int(elapsed / budget * _BAR) + 1, _BAR)
    return f" of {clock(budget)} [{'#' * filled}{'.' * (_BAR - filled)}]"


def line(elapsed: float, budget: float | None, state: str, text: str) -> str:
    """Return one line of the timeline: time, share of the budget, state, and what it is about."""
    return f"{clock(elapsed):>6}{gauge(elapsed, budget)} {state:<8} {text}"


def plan(facts: Mapping[str, Any]) -> list[str]:
    """Tell the plan of a run that has begun; the first line is its headline.

    :param facts: ``from_version``, ``to_version``, ``plan`` and ``resumed``, as modules and journals have them.
    """
    steps = facts["plan"]["steps"]
    resumed = [f"continues {facts['resumed']}, which was not finished"] if facts.get("resumed") else []
    told = [f"{s['action']} {s['subject']}: {s['now']} -> {s['target']}" for s in steps]
    notes = [f" ({s['note']})" if s["note"] else "" for s in steps]
    head = f"{facts['from_version']} -> {facts['to_version']}, {len(steps)} steps"
    return [head, *resumed, *(text + note for text, note in zip(told, notes, strict=True))]


def phase(entry: Mapping[str, Any]) -> str:
    """Tell a phase of the journal, with the services or files that it is about where there are any."""
    about = ", ".join([*entry.get("services", ()), *entry.get("files", ())])
    return f"{entry['name']}{': ' if about else ''}{about}"


def progress(entry: Mapping[str, Any]) -> str:
    """Tell how far a phase has come; bytes in megabytes."""
    done, total, unit = (entry["progress"][key] for key in ("done", "total", "unit"))
    if unit == "bytes":
        done, total, unit = round(done / 1e6), round(total / 1e6), "MB"
    return f"{entry['name']}: {done} of {total} {unit}"
