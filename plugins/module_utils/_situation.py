# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a deployment stands: what runs, how far an earlier attempt came, and what there is to go back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _drivers,
    _equal,
    _journal,
    _ledger,
    _outcome,
    _pull,
    _quarantine,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RELEASE, RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed

#: How far it is: nothing is done; killed in the switch; it runs and is not accepted; it runs and is.
BEGIN, SWITCH, WATCH, DONE = "begin", "switch", "watch", "done"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A deployment's state.

    :param stage: what comes next.
    :param running: name of the version that runs; of the one that ran before, where a run was killed in between.
    :param target: id of the release that an earlier attempt was on its way to.
    :param back_to: id of the restore point that this attempt goes back to if it fails.
    """

    stage: str
    running: str
    target: str | None = None
    back_to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)


def look(ctx: Context, now: Observed, version: str) -> Situation:
    """Say where the deployment of a version stands; changes nothing.

    :raises RollbackError: where another run is unfinished, or the version is quarantined.
    """
    points = list(ctx.store.points())
    current = _equal.points(ctx.stack, ctx.store, now, points)
    name = _capture.running_version(now, ctx.engine, current)
    if unfinished := _journal.load(ctx.state):
        return _interrupted(unfinished, points, version)
    mine = [point for point in current if point.version == version]
    if any(point.kind == "deploy" and ctx.store.proven(point.id) for point in mine):
        return Situation(stage=DONE, running=name)
    lines = _ledger.entries(ctx.state)
    releases = [point.id for point in mine if point.kind == RELEASE]
    if releases:
        deployed = [line for line in lines if line["kind"] == _outcome.DEPLOY and line["target"] in releases]
        back_to = deployed[-1].get("deployment", {}).get("back_to") if deployed else None
        return Situation(stage=WATCH, running=name, target=releases[-1], back_to=back_to)
    held = _quarantine.held(lines)
    if version in held and version != name:
        raise _quarantine.refusal(held[version], free(ctx, points))
    return Situation(stage=BEGIN, running=name)


def _interrupted(unfinished: Journal, points: Sequence[RestorePoint], version: str) -> Situation:
    meant = next((point for point in points if point.id == unfinished.target), None)
    if unfinished.kind != _outcome.DEPLOY or meant is None or meant.version != version:
        raise RollbackError(
            f"{unfinished.run.describe()} was not finished, so what runs may be half of two versions",
            "Run its command again, or undo.yml; then this.",
        )
    back_to = unfinished.facts.get("deployment", {}).get("back_to")
    running = str(unfinished.facts["from_version"])
    return Situation(stage=SWITCH, running=running, target=unfinished.target, back_to=back_to)


def running(ctx: Context, now: Observed) -> str:
    """Name what runs."""
    current = _equal.points(ctx.stack, ctx.store, now, list(ctx.store.points()))
    return _capture.running_version(now, ctx.engine, current)


def free(ctx: Context, points: Sequence[RestorePoint]) -> list[str]:
    """Return the versions that can be gone to, the newest first."""
    held = _quarantine.held(_ledger.entries(ctx.state))
    deployed = [point for point in reversed(points) if point.kind == "deploy" and point.version not in held]
    return list(dict.fromkeys(point.version for point in deployed if ctx.store.proven(point.id)))


def way_back(ctx: Context) -> RestorePoint:
    """Return the newest restore point that a rollback would take.

    :raises RollbackError: when there is none, or it is damaged, or its images are gone.
    """
    points = list(ctx.store.points())
    names = free(ctx, points)
    proven = [p for p in points if p.kind == "deploy" and p.version in names and ctx.store.proven(p.id)]
    if not proven:
        raise RollbackError("there is no proven restore point", "Capture one of what runs: restore-point.yml.")
    ctx.store.verify(proven[-1])
    if gone := _pull.missing(ctx.engine, proven[-1].services):
        raise RollbackError(f"the images of {', '.join(sorted(gone))} in {proven[-1].id} are gone", "Capture it again.")
    return proven[-1]


def schema_changed(ctx: Context, now: Observed, point: RestorePoint) -> bool:
    """Whether a database has another schema than when a point was captured; one that cannot say so has."""
    if not point.databases:
        return False
    for database, _exchange in _drivers.of(ctx, now.project):
        part = point.databases.get(database.name)
        try:
            if part is not None and database.schema() != part.schema:
                return True
        except RollbackError:
            return True
    return False
