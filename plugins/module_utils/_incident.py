# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents' incident report and notifications, filled in as far as a record knows (pure).

What only people know stays a blank that says so. Templates: document 004 (incident), document 001 (notifications).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _outcome, _stages, _telling
from ansible_collections.tiered.rollback.plugins.module_utils._outcome import plain

_TIERS: Mapping[int, str] = {1: "Tier 1 (Emergency)", 2: "Tier 2 (Standard)", 3: "Tier 3 (Partial)"}
_NO_TIME = "--:--:--"
#: Action items of document 004.
_ITEMS = (
    "Update deployment checklist with new checks",
    "Add monitoring for the detected symptom",
    "Improve test coverage for the broken area",
    "Document the new edge case",
)


def markdown(full: Mapping[str, Any], steps: Sequence[str]) -> str:
    """Return the incident report.

    :param steps: what is to be done next.
    """
    date = (full.get("started") or _telling.UNKNOWN)[:10]
    tier = full.get("tier")
    methods = [f"- [{'x' if number == tier else ' '}] {name}" for number, name in _TIERS.items()]
    lines = [
        f"# Incident Report: {date} - {plain(_brief(full))}",
        "",
        f"{plain(_telling.headline(full))}. Run {_telling.known(full, 'run')}. Times are UTC.",
        "",
        "## Timeline",
        "",
        *(f"- [{at}] {plain(what)}" for at, what in timeline(full)),
        "",
        "## Root Cause",
        "",
        f"- Technical cause: {_blank('what broke?')}",
        f"- Human cause: {_blank('which process had a gap?')}",
        "",
        "## Impact",
        "",
        *(f"- {name}: {value}" for name, value in _impact(full)),
        "",
        "## Rollback Method Used",
        "",
        *methods,
        f"- How: {plain(method(full))}",
        "",
        "## Lessons Learned",
        "",
        f"1. What went well? {plain(_well(full))}",
        f"2. What could be improved? {plain(_badly(full))}",
        f"3. How is it kept from happening again? {_blank('action items below')}",
        "",
        "## Action Items",
        "",
        *(f"- [ ] {plain(step)}" for step in (*steps, *_ITEMS)),
        "",
        *_outcome.escalation(full),
    ]
    return "\n".join(lines)


def method(entry: Mapping[str, Any]) -> str:
    """Return by what a run rolled back; of a record, or of a line of the ledger."""
    if entry.get("kind") == "ci":
        return f"CI: {entry.get('method') or _telling.known(entry, 'target')}"
    if entry.get("kind") == "migration":
        return "schema migration"
    if entry.get("kind") == "quarantine":
        return "released from quarantine"
    if entry.get("kind") == "drill":
        return f"drill: {entry.get('fault') or _telling.UNKNOWN}"
    if entry.get("scope") is not None:
        return f"only {', '.join(entry['scope']) or 'data'}"
    with_data = entry.get("databases") or entry.get("tier") == 2
    return "images, configuration, databases" if with_data else "images, configuration"


def timeline(full: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what happened when, in order; what happened before the run is left for people to fill in."""
    what = _telling.KINDS.get(full.get("kind", ""), "run").capitalize()
    times = full.get("times") or {}
    told = [(_NO_TIME, f"Deployment of {_telling.known(full, 'from_version')} started: {_blank('when?')}")]
    if not times.get("detected"):
        told.append((_NO_TIME, f"Issue detected: {_telling.known(full, 'reason')} ({_blank('when, by whom?')})"))
    if not times.get("approved") and (approved_by := (full.get("decision") or {}).get("approved_by")):
        told.append((_NO_TIME, f"{what} approved by {approved_by}"))
    restored = _telling.restored(full)
    if restored is None:
        told.append((_NO_TIME, f"Service restored: not seen by this run; {_blank('when?')}"))
    if not full.get("started"):
        return told
    return told + [(f"{at:%H:%M:%S}", event) for at, event in sorted(_events(full, what, restored))]


def _events(full: Mapping[str, Any], what: str, restored: float | None) -> list[tuple[datetime, str]]:
    """Return what the run itself knows the time of."""
    started = datetime.fromisoformat(full["started"])
    events = [(started, f"{what} started by {_telling.known(full, 'user')}")]
    times = full.get("times") or {}
    known = {
        "began": "Issue began",
        "detected": f"Issue detected: {_telling.known(full, 'reason')} ({_blank('by whom?')})",
        "approved": f"{what} approved by {(full.get('decision') or {}).get('approved_by')}",
    }
    events += [(datetime.fromisoformat(times[key]), event) for key, event in known.items() if times.get(key)]
    for phase in full.get("phases") or ():
        failed = f", FAILED: {phase['failed']}" if "failed" in phase else ""
        event = f"{phase['name']} (took {_telling.seconds(phase['seconds'])}{failed})"
        events.append((started + timedelta(seconds=phase["after"]), event))
    if restored is not None:
        good = "Service restored: every URL gives good answers" if restored else "Every URL gave good answers all along"
        events.append((datetime.fromisoformat(full["answers"]["began"]) + timedelta(seconds=restored), good))
    if full.get("ended"):
        events.append((datetime.fromisoformat(full["ended"]), f"{what} {full.get('outcome') or 'ended'}"))
    return events


def _brief(full: Mapping[str, Any]) -> str:
    reason = full.get("reason") or ""
    return reason if reason not in ("", "not stated") else _telling.headline(full)


def _blank(question: str) -> str:
    return f"**TO BE FILLED IN: {question}**"


def _impact(full: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Duration of the run", f"{_telling.seconds(full.get('duration'))}, {_telling.against_budget(full)}"),
        ("Longest time without an answer during it", _telling.outage(full)),
        ("Duration of the incident", _incident(full)),
        ("Affected users", _blank("number or percentage?")),
        ("Data loss", plain(_telling.data_loss(full))),
        ("Financial impact", _blank("amount, if any?")),
    ]


def _incident(full: Mapping[str, Any]) -> str:
    took = _stages.recovery(full)
    if took is None or full.get("outcome") != _outcome.SUCCEEDED:
        return _blank("from when on were users affected?")
    return f"{_telling.seconds(took)} until checks proved the recovery"


def _well(full: Mapping[str, Any]) -> str:
    if full.get("outcome") != _outcome.SUCCEEDED:
        return _blank("nothing that this run measured")
    return f"{_telling.headline(full)}, after {_telling.seconds(full.get('duration'))}."


def _badly(full: Mapping[str, Any]) -> str:
    if full.get("error"):
        return f"The run failed: {full['error']}"
    if "OVER" in _telling.against_budget(full):
        return f"The run was {_telling.against_budget(full)}."
    return _blank("nothing that this run measured")


def notification(full: Mapping[str, Any]) -> dict[str, str]:
    """Return ``subject`` and ``text`` of what is told to people: of a rollback, or of a way forward that worked."""
    recovered = _telling.is_recovery(full) and full.get("outcome") == _outcome.SUCCEEDED
    name = full.get("repository") or _telling.known(full, "stack")
    subject = f"{name}: {'Recovery' if recovered else 'Rollback'} Notification ({full.get('outcome') or 'unknown'})"
    parts = _recovery(full) if recovered else _rollback(full)
    return {"subject": _one_line(subject), "text": "\n".join([f"# {_one_line(subject)}", *parts, ""])}


def _one_line(text: str) -> str:
    # The subject becomes a header of an e-mail.
    return " ".join(text.split())


def _rollback(full: Mapping[str, Any]) -> list[str]:
    return [
        *("", "## Summary", f"{plain(_telling.headline(full))}. Reason: {plain(_telling.known(full, 'reason'))}"),
        *("", "## Impact", f"- Duration of the run: {_telling.seconds(full.get('duration'))}"),
        f"- Longest time without an answer: {_telling.outage(full)}",
        f"- Data loss: {plain(_telling.data_loss(full))}",
        *("", "## Timeline", f"- Issue detected: {_detected(full)}"),
        f"- Rollback initiated: {_telling.moment(full.get('started'))}",
        f"- Rollback completed: {_telling.moment(full.get('ended'))}",
        *("", "## Next Steps", "- Root cause analysis in progress", "- Fix timeline: not known yet"),
        *([f"- What went wrong: {plain(full['error'])}"] if full.get("error") else []),
        f"- Report: run {_telling.known(full, 'run')} on the target",
        *([] if full.get("outcome") == _outcome.SUCCEEDED else ["", *_outcome.escalation(full)]),
    ]


def _detected(full: Mapping[str, Any]) -> str:
    detected = (full.get("times") or {}).get("detected")
    return _telling.moment(detected) if detected else "not known to this run"


def _recovery(full: Mapping[str, Any]) -> list[str]:
    done = full.get("actions") or [f"{_telling.known(full, 'to_version')} runs again ({method(full)})"]
    proof = [f"{p.get('file')}: {p.get('conclusion')} {p.get('url') or ''}".rstrip() for p in full.get("proof") or ()]
    return [
        *("", "## Summary", f"{plain(_telling.headline(full))}. Reason: {plain(_telling.known(full, 'reason'))}"),
        *("", "## Changes", *(f"- {plain(action)}" for action in done)),
        *("", "## Validation", f"- Checks after: {_telling.checks(full, 'checks_after')}"),
        *(f"- {plain(entry)}" for entry in proof),
        *("", "## Support", f"Contact {_telling.known(full, 'user')} with any questions."),
    ]
