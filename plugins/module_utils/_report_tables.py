# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of a run's record that its reports share, in Markdown as in HTML: a head, and rows of cells (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def identity(full: Mapping[str, Any], *more: str) -> list[tuple[str, Any]]:
    """Return rows of what a run was, and of *more* keys of its record."""
    return [(key, full[key]) for key in ("run", "started", "ended", "user", "host", "reason", *more)]


def gates(full: Mapping[str, Any]) -> Table:
    """Tell what the gates of a deployment found."""
    found = (full.get("deployment") or {}).get("gates") or ()
    rows = [(gate["state"], gate["name"], f"{gate['seconds']:.1f}", gate["found"]) for gate in found]
    return ("result", "gate", "took (s)", "found"), rows


def phases(full: Mapping[str, Any]) -> Table:
    """Tell when each phase began, after how many seconds, and how long it took."""
    found = full.get("phases") or ()
    rows = [(p["name"], f"{p['after']:.1f}", f"{p['seconds']:.2f}", p.get("failed", "ok")) for p in found]
    return ("phase", "begun after (s)", "took (s)", "result"), rows


def actions(full: Mapping[str, Any]) -> Table:
    """Tell the steps of a switch."""
    steps = (full.get("plan") or {}).get("steps") or ()
    rows = [(s["action"], s["subject"], s["now"], s["target"], s["note"]) for s in steps]
    return ("action", "subject", "from", "to", "why"), rows


def checks(found: Iterable[Mapping[str, Any]]) -> Table:
    """Tell what checks found."""
    rows = [("ok" if each["ok"] else "FAILED", each["name"], each["found"]) for each in found]
    return ("result", "check", "found"), rows


def probes(found: Mapping[str, Mapping[str, Any]]) -> Table:
    """Tell how each URL answered while it was asked all the time."""
    keys = ("sent", "failed", "unreachable", "longest_gap", "longest_silence")
    rows = [(url, *(probe[key] for key in keys)) for url, probe in found.items()]
    return ("URL", "sent", "not good", "no answer", "longest without a good one (s)", "without any (s)"), rows


def rows_lost(found: Mapping[str, Iterable[Mapping[str, Any]]]) -> Table:
    """Tell in which tables a database differs from the restore point; one without a key cannot tell what changed.

    :param found: tables by database.
    """
    rows = [
        (name, t["table"], t["added"], "unknown: no key" if t["changed"] is None else t["changed"], t["removed"])
        for name, tables in found.items()
        for t in tables
    ]
    return ("database", "table", "rows added since", "rows changed since", "rows removed since"), rows


def displaced(full: Mapping[str, Any]) -> Table:
    """Tell where the databases are that were live before."""
    rows = [(name, entry["displaced"]) for name, entry in (full.get("databases") or {}).items()]
    return ("database", "the one before is kept as"), rows


def logs(full: Mapping[str, Any]) -> Table:
    """Tell what containers wrote before the run."""
    rows = [(log["name"], log["lines"], log["errors"], " / ".join(log["last"])) for log in full.get("logs") or ()]
    return ("container", "lines read", "errors", "the last of them"), rows


def proof(full: Mapping[str, Any]) -> Table:
    """Tell of the runs that prove CI; *coverage* is in percent."""
    keys = ("file", "conclusion", "seconds", "coverage", "url")
    rows = [tuple(each.get(key) for key in keys) for each in full.get("proof") or ()]
    return ("workflow", "conclusion", "took (s)", "coverage (%)", "run"), rows
