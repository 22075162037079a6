# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an event calls for a rollback, to what, or for people; and how often those are called (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _enforcement, _outcome, _quarantine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint

ROLL_BACK, ESCALATE, NOTHING = "roll back", "escalate", "nothing"
#: What is over when the stack's own checks hold. Of anything else (data, errors that users see) they say little.
_OVER_WHEN_HEALTHY = ("health_check_failure", "service_outage", "service_crash", "other")
#: More than so many automatic rollbacks in so many seconds mend nothing: something deploys what is broken again.
_LIMIT, _WITHIN = 3, 86400
_TIERS = (1, 2)
_BY_HAND = "status.yml shows what is at hand; tier1-emergency.yml and tier2-standard.yml take it from here."


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened, as a system outside says; every value has been checked.

    :param source: who says so (``url_health``, ``alertmanager``, ``github_deployment``, ``person``).
    :param version: the version it is about, where that is known.
    """

    source: str
    severity: str | None = None
    issue: str | None = None
    service: str | None = None
    version: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return what is known, as the ledger keeps it."""
        keys = ("source", "severity", "issue", "service", "version")
        return {key: value for key in keys if (value := getattr(self, key)) is not None}

    def describe(self) -> str:
        """Say in a line what happened."""
        what = "/".join(filter(None, (self.severity, self.issue)))
        return f"{self.source}: {what}" + (f" of {self.service}" if self.service else "")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is to decide from.

    :param entries: the ledger, oldest first.
    :param points: every readable restore point, oldest first.
    :param proven: ids of proven points.
    :param current: ids of the points that what runs comes from.
    :param running: name of the version that runs.
    :param healthy: whether every container and every check of the stack is good now.
    :param databases: whether the stack describes any.
    :param unfinished: the journal of a run that was killed.
    """

    entries: Sequence[Mapping[str, Any]]
    points: Sequence[RestorePoint]
    proven: Collection[str]
    current: Collection[str]
    running: str
    healthy: bool
    databases: bool
    unfinished: Journal | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be done.

    :param target: restore point to go to.
    :param tiers: those that may be used, in the order to try them.
    :param decision: what the matrix says, as the ledger keeps it.
    :param told: when people were told already, by the run that failed.
    """

    action: str
    why: str
    hint: str = ""
    target: str | None = None
    tiers: tuple[int, ...] = ()
    decision: Mapping[str, Any] | None = None
    told: str | None = None


def decide(event: Event, seen: Seen, now: str) -> Verdict:
    """Decide what an event calls for.

    :param now: UTC, ISO 8601.
    """
    if event.version not in (None, seen.running):
        return Verdict(action=NOTHING, why=f"it is about {event.version}, and {seen.running} runs")
    if seen.unfinished:
        return _continue(event, seen, seen.unfinished)
    if seen.healthy and event.version is None:
        if _about_health(event):
            return Verdict(action=NOTHING, why=f"{seen.running} is healthy")
        return _escalate(f"{event.describe()}, but every check of the stack holds, and no version is named")
    if seen.healthy and _about_health(event):
        return Verdict(action=NOTHING, why=f"{seen.running} is healthy")
    return _after(seen, now) or _by_matrix(event, seen)


def _about_health(event: Event) -> bool:
    return (event.issue or "other") in _OVER_WHEN_HEALTHY


def _escalate(why: str, hint: str = _BY_HAND, told: str | None = None) -> Verdict:
    return Verdict(action=ESCALATE, why=why, hint=hint, told=told)


def _continue(event: Event, seen: Seen, journal: Journal) -> Verdict:
    """Continue what was killed where that was our own; what a person began, a person ends."""
    failed = any(entry["run"] == journal.run.id for entry in seen.entries)
    if journal.facts.get("event") and not failed and journal.kind == "rollback":
        why = f"{event.describe()}; run {journal.run.id} was killed on its way to {journal.target}"
        decision = journal.run.decision
        return Verdict(action=ROLL_BACK, why=why, target=journal.target, tiers=(journal.tier,), decision=decision)
    what = "failed half-way" if failed else "was not finished"
    hint = "Run its command again, or undo.yml."
    if seen.healthy and not failed:
        return Verdict(action=NOTHING, why=f"{seen.running} is healthy; {journal.run.describe()} {what}", hint=hint)
    return _escalate(f"{journal.run.describe()} {what}", hint)


def _after(seen: Seen, now: str) -> Verdict | None:
    """Refuse to roll a rollback back: what one has come to, and fails as well, is for people."""
    runs = [entry for entry in seen.entries if entry["kind"] in ("rollback", "undo") and entry.get("scope") is None]
    if runs:
        last = runs[-1]
        what = f"run {last['run']} ({'automatic ' if last.get('event') else ''}{last['kind']})"
        if last["outcome"] != _outcome.SUCCEEDED and last["before"] in seen.current:
            told = last["ended"] if last.get("event") else None
            return _escalate(f"{what} to {last['to_version']} was tried, and did not get healthy", told=told)
        if last["outcome"] == _outcome.SUCCEEDED and last["target"] in seen.current:
            return _escalate(f"{what} took the stack to {last['to_version']}, which fails as well")
    recent = [entry for entry in runs if entry.get("event") and _age(entry["started"], now) < _WITHIN]
    if len(recent) >= _LIMIT:
        return _escalate(f"{len(recent)} automatic rollbacks within a day mended nothing")
    return None


def _age(since: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()


def _by_matrix(event: Event, seen: Seen) -> Verdict:
    given = {key: value for key in ("severity", "issue") if (value := getattr(event, key))}
    tiers, refusal, recorded = [], RollbackError(""), None
    for tier in _TIERS:
        try:
            found = _enforcement.enforce(given, str(tier), "", {}, databases=seen.databases)
        except RollbackError as error:
            refusal = error
        else:
            tiers.append(tier)
            recorded = recorded or found
    if not tiers:
        return _escalate(refusal.message, refusal.hint)
    if _enforcement.waiting(recorded):
        command = _decision.decide(**given).to_dict()["command"]
        return _escalate(_enforcement.question(recorded or {}, {}), f"Then run: {command}")
    found_goal = goal(seen.points, seen.proven, seen.current, seen.running, _quarantine.held(seen.entries))
    if found_goal is None:
        return _escalate(f"no proven restore point before {seen.running} that is not quarantined")
    return Verdict(action=ROLL_BACK, why=event.describe(), target=found_goal.id, tiers=tuple(tiers), decision=recorded)


def goal(
    points: Sequence[RestorePoint],
    proven: Collection[str],
    current: Collection[str],
    running: str,
    quarantined: Collection[str],
) -> RestorePoint | None:
    """Return the last good restore point before what runs: captured on request, healthy and proven.

    :param points: every readable point, oldest first.
    :param current: ids of the points that what runs comes from.
    :param quarantined: versions that were rolled back from, and that nobody has released since.
    """
    deployed = [point for point in points if point.kind == "deploy"]
    there = {running, *(point.version for point in deployed if point.id in current)}
    first = next((number for number, point in enumerate(deployed) if point.version in there), len(deployed))
    good = [
        point for point in deployed[:first] if point.id in proven and point.healthy and point.version not in quarantined
    ]
    return good[-1] if good else None


def call(
    memory: Mapping[str, Any] | None, outage: str, now: str, run: str, *, reminders: int, remind_after: int
) -> tuple[bool, dict[str, Any]]:
    """Say whether people are to be called now, and what to remember of that.

    They are called once per outage, and reminded at most so many times.

    :param memory: what was remembered last.
    :param outage: what tells this outage from others.
    :param run: id of this run, which names the outage from its first call on.
    :param remind_after: seconds between two calls.
    """
    if memory is None or memory["outage"] != outage:
        return True, {"outage": outage, "run": run, "since": now, "last": now, "calls": 1}
    due = memory["calls"] <= reminders and _age(memory["last"], now) >= remind_after
    return due, {**memory, "last": now, "calls": memory["calls"] + 1} if due else dict(memory)
