# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run came to, in plain words for people who were not there (pure).

A record is whatever :mod:`_outcome` or :mod:`_ci_report` made; what it does not hold is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome

UNKNOWN = "unknown"
#: What a run is called, by its kind.
KINDS: Mapping[str, str] = {
    "rollback": "rollback",
    "undo": "undo",
    "ci": "CI rollback",
    "migration": "migration rollback",
    "deploy": "deployment",
    "drill": "drill",
}
#: How a run that takes fixes forward, instead of CI back, is recorded.
FORWARD = "forward"


def seconds(value: float | None) -> str:
    """Return a span of time as people say it."""
    if value is None:
        return UNKNOWN
    if value < 60:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def moment(value: str | None) -> str:
    """Return an ISO 8601 time in UTC as people write it."""
    return f"{value[:19].replace('T', ' ')} UTC" if value else UNKNOWN


def known(full: Mapping[str, Any], key: str) -> str:
    """Return what a record says, or that it is unknown."""
    value = full.get(key)
    return UNKNOWN if value in (None, "") else str(value)


def is_recovery(full: Mapping[str, Any]) -> bool:
    """Whether a run led forward again: an undo, or fixes that CI proved."""
    return full.get("kind") == "undo" or full.get("method") == FORWARD


def headline(full: Mapping[str, Any]) -> str:
    """Return in one sentence where the run has left things."""
    outcome, old, new = full.get("outcome"), known(full, "from_version"), known(full, "to_version")
    subject, what = _subject(full), KINDS.get(full.get("kind", ""), "run")
    if full.get("method") == FORWARD:
        what = "way forward"
    if full.get("kind") == "migration" and outcome in (_outcome.SUCCEEDED, _outcome.FAILED):
        return f"{subject}: the {what} {'is done' if outcome == _outcome.SUCCEEDED else 'failed'}"
    if full.get("kind") == "drill":
        told = {_outcome.SUCCEEDED: "succeeded", _outcome.FAILED: "failed"}
        return f"{subject}: the drill (tier {known(full, 'tier')}) {told.get(outcome or '', 'ended in an unknown way')}"
    if outcome == _outcome.SUCCEEDED:
        if full.get("kind") == "ci":
            return f"{subject}: the {what} is done ({known(full, 'method')})"
        if full.get("kind") == "deploy":
            return f"{subject} is on {new}"
        return f"{subject} is on {new} again" if is_recovery(full) else f"{subject} is back on {new}"
    if outcome == _outcome.REFUSED:
        return f"{subject} still runs {old}: the gates refuse {new}"
    if outcome == _outcome.REVERTED:
        return f"{subject} still runs {old}: the {what} to {new} failed, and the state before was put back"
    if outcome == _outcome.FAILED:
        if full.get("kind") == "ci":
            return f"{subject}: the {what} failed"
        return f"{subject} needs help: neither {new} nor the state before could be brought up"
    return f"{subject}: what became of the {what} is unknown"


def _subject(full: Mapping[str, Any]) -> str:
    if full.get("kind") == "ci":
        return f"CI of {known(full, 'repository')}"
    stack = known(full, "stack")
    return stack if full.get("scope") is None else f"{', '.join(full['scope']) or 'nothing'} of {stack}"


def against_budget(full: Mapping[str, Any]) -> str:
    """Return how the duration compares with what the tier may take."""
    budget, took = full.get("budget"), full.get("duration")
    if budget is None or took is None:
        return "no budget is set"
    within = "within" if took <= budget else "OVER"
    return f"{within} the {seconds(budget)} that tier {known(full, 'tier')} may take"


def outage(full: Mapping[str, Any]) -> str:
    """Return the longest time without an answer."""
    if full.get("outage") is None or not full.get("probe"):
        return "not measured"
    return f"{full['outage']:.2f} s"


def data_loss(full: Mapping[str, Any]) -> str:
    """Return what of the data the target does not have."""
    return UNKNOWN if not full.get("outcome") else _outcome.loss_in_short(full)


def data_loss_in_figures(full: Mapping[str, Any]) -> str:
    """Return how many rows the target does not have as they were."""
    told = data_loss(full).partition(":")[0]
    if told in (UNKNOWN, "none"):
        return told
    if "loss" not in full:
        return "not compared"
    tables = [table for found in full["loss"].values() for table in found]
    return f"{sum(table[key] or 0 for table in tables for key in ('added', 'changed', 'removed'))} rows differ"


def checks(full: Mapping[str, Any], key: str) -> str:
    """Return how many checks held."""
    found = full.get(key)
    return f"{sum(bool(check['ok']) for check in found)} of {len(found)} hold" if found else "none was made"


def restored(full: Mapping[str, Any]) -> float | None:
    """Return after how many seconds of the probe every URL gave good answers and went on doing so; None: not seen."""
    urls = (full.get("answers") or {}).get("urls") or {}
    if not urls or any(not spans or spans[-1][2] != "good" for spans in urls.values()):
        return None
    return max((end for spans in urls.values() for _begin, end, state in spans if state != "good"), default=0.0)
