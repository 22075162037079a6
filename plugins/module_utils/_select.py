# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restore point a person means by ``version`` (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint

PREVIOUS = "previous"
#: Kind of a run that rolled a schema migration back, and left images as they were.
MIGRATION = "migration"


def select(
    version: str,
    points: Sequence[RestorePoint],
    proven: Collection[str],
    current: Collection[str],
    damaged: Collection[str] = (),
) -> RestorePoint:
    """Find the restore point for a version name, ``previous``, or a point's id.

    :param points: every readable point, oldest first.
    :param proven: ids of proven points.
    :param current: ids of the points that equal what runs now.
    :param damaged: ids of points that cannot be read.
    :raises RollbackError: naming what is available.
    """
    by_id = {point.id: point for point in points}
    deployed = [point for point in points if point.kind == "deploy"]
    if version in damaged:
        raise RollbackError(f"restore point {version} is damaged: its manifest cannot be read", _available(deployed))
    if version in by_id:
        found = [by_id[version]]
    elif version == PREVIOUS:
        found = _previous(deployed, proven, current)
    else:
        found = [point for point in deployed if point.version == version]
    if not found:
        what = "there is no earlier proven restore point" if version == PREVIOUS else f"no restore point for {version}"
        raise RollbackError(what, _available(deployed))
    usable = [point for point in found if point.id in proven]
    if not usable:
        raise RollbackError(
            f"restore point {found[-1].id} was never proven",
            f"Capture {found[-1].version} again while it runs, with restore-point.yml. {_available(deployed)}",
        )
    return usable[-1]


def undo(entries: Sequence[Mapping[str, Any]], current: Collection[str], run: str | None) -> Mapping[str, Any]:
    """Find the run to undo.

    :param entries: the ledger, oldest first.
    :param current: ids of the points that equal what runs now.
    :param run: id of the run to undo; None: the newest rollback.
    :returns: its line of the ledger, which names the state captured before it; where that is what runs already, there
        is nothing left to do.
    :raises RollbackError: when there is no such run, or the stack was changed after it and no run was named.
    """
    undoable = [entry for entry in entries if entry["outcome"] == "succeeded" and entry.get("before")]
    if run is not None:
        named = [entry for entry in undoable if entry["run"] == run]
        if not named:
            known = ", ".join(entry["run"] for entry in undoable[-5:]) or "none"
            raise RollbackError(f"no run {run} that could be undone", f"Runs that can: {known}.")
        return named[0]
    rollbacks = [entry for entry in undoable if entry["kind"] == "rollback"]
    if not rollbacks:
        raise RollbackError("there is no rollback to undo on this host", "status.yml shows the history.")
    last = rollbacks[-1]
    # Whatever became of it: one that failed may have done a part of its work.
    migrated = any(entry["kind"] == MIGRATION for entry in entries[entries.index(last) + 1 :])
    if migrated or (last["before"] not in current and last["target"] not in current):
        raise RollbackError(
            f"the stack was changed after run {last['run']}, so undoing it would undo that change too",
            f"To go back to {last['before']} all the same: undo.yml -e run={last['run']}.",
        )
    return last


def phase_done(entries: Sequence[Mapping[str, Any]], phase: str, current: Collection[str]) -> bool:
    """Whether a phase of a plan was done and still stands: nothing else ran since, and what the plan came to runs.

    Phases may be about one file; doing an early one again would take back a part of what a later one did.

    :param entries: the ledger, oldest first.
    :param phase: name of the plan and number of the phase, with a slash between them.
    :param current: ids of the points that equal what runs now.
    """
    plan, _slash, number = phase.rpartition("/")
    for entry in reversed(entries):
        name, _slash, done = str(entry.get("phase")).rpartition("/")
        if name != plan:
            return False
        if entry["outcome"] == "succeeded":
            return int(done) >= int(number) and entry["target"] in current
    return False


def _previous(
    deployed: Sequence[RestorePoint], proven: Collection[str], current: Collection[str]
) -> list[RestorePoint]:
    """Points before the running version; after a rollback that is the one before the version rolled back to."""
    running = {point.version for point in deployed if point.id in current}
    first = min((n for n, point in enumerate(deployed) if point.version in running), default=len(deployed))
    return [point for point in deployed[:first] if point.id in proven and point.healthy]


def _available(points: Sequence[RestorePoint]) -> str:
    names = list(dict.fromkeys(point.version for point in reversed(points)))
    return f"Available: {', '.join(names)}." if names else "None exists yet; capture one with restore-point.yml."
