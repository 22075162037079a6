# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restore point a person means: by a version, or as the state before a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _ledger, _outcome, _quarantine, _select
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

UNDO = "undo"


def resolve(
    ctx: Context,
    journal: Journal | None,
    points: list[RestorePoint],
    current: Sequence[RestorePoint],
    running: str,
) -> tuple[RestorePoint, frozenset[str] | None]:
    """Return the restore point that is meant, and the services that may be touched; None: all.

    :param current: points that equal what runs now.
    :param running: name of the version that runs.
    """
    params, store = ctx.module.params, ctx.store
    ids = {point.id for point in current}
    if params["kind"] == _outcome.DEPLOY and journal is None:
        _refuse_moved(params["deployment"] or {}, ids)
    if params["kind"] != UNDO:
        return allowed(ctx, params["version"] or "", points, current, running, journal), None
    if journal and journal.before and params["undo_run"] in (None, journal.run.id):
        # Its own command again goes on with a killed undo; naming it undoes it, as any other.
        goes_on = journal.kind == UNDO and params["undo_run"] is None
        return store.load(journal.target if goes_on else journal.before), _scope(journal.facts)
    entry = _select.undo(_ledger.runs(ctx.state), ids, params["undo_run"])
    return store.load(entry["before"]), _scope(entry)


def _scope(facts: Mapping[str, Any]) -> frozenset[str] | None:
    found = facts.get("scope")
    return None if found is None else frozenset(found)


def chosen(
    store: Store,
    version: str,
    points: Sequence[RestorePoint],
    current: Collection[str],
    damaged_of: Sequence[RestorePoint] | None = None,
) -> RestorePoint:
    """Return the point that a person means by a version, among those of the store.

    :param current: ids of the points that equal what runs now.
    :param damaged_of: every readable point, where *points* are only some of them.
    """
    proven = {point.id for point in points if store.proven(point.id)}
    damaged = set(store.ids()) - {point.id for point in damaged_of or points}
    return _select.select(version, points, proven, current, damaged)


def allowed(
    ctx: Context,
    version: str,
    points: list[RestorePoint],
    current: Sequence[RestorePoint],
    running: str,
    journal: Journal | None = None,
) -> RestorePoint:
    """Return the point that a person means, unless its version is quarantined (X-7).

    ``previous`` passes over versions that are, and says so. What runs already and what a killed run was on its way to
    are no new deployment; and where a deployment comes back to what ran before it, nobody is asked.

    :param running: name of the version that runs.
    :raises RollbackError: naming how the version is released, and what else there is.
    """
    ids = {point.id for point in current}
    held = {} if ctx.module.params.get("allow_quarantined") else _held(ctx)
    meant = next((point.version for point in points if journal and point.id == journal.target), None)
    for name in (running, meant, *(point.version for point in current)):
        held.pop(str(name), None)
    free = [point for point in points if point.version not in held]
    names = [point.version for point in reversed(free) if point.kind == "deploy" and ctx.store.proven(point.id)]
    if version in held:
        raise _quarantine.refusal(held[version], names)
    found = chosen(ctx.store, version, points, ids)
    if found.version not in held:
        return found
    if version != _select.PREVIOUS:
        raise _quarantine.refusal(held[found.version], names)
    passed = ", ".join(held)
    try:
        other = chosen(ctx.store, version, free, ids, damaged_of=points)
    except RollbackError as error:
        raise RollbackError(f"{error.message} but for what is quarantined: {passed}", error.hint) from error
    ctx.module.warn(f"quarantined, and passed over for {other.version}: {passed}")
    return other


def _held(ctx: Context) -> dict[str, _quarantine.Held]:
    try:
        return _quarantine.held(_ledger.entries(ctx.state))
    except RollbackError as error:
        # A rollback must not wait for a ledger that somebody has damaged; a deployment can.
        if ctx.module.params.get("kind") == _outcome.DEPLOY:
            raise
        ctx.module.warn(f"which versions are quarantined cannot be told: {error.message}")
        return {}


def _refuse_moved(deployment: Mapping[str, Any], ids: Collection[str]) -> None:
    """Refuse to deploy over something else than what the restore point of this deployment holds."""
    if deployment.get("back_to") and deployment["back_to"] not in ids:
        raise RollbackError(
            f"the stack was changed since restore point {deployment['back_to']} was captured",
            "Another run, or a person, was quicker. Look at status.yml, then run the same command again.",
        )


def is_forward(points: Sequence[RestorePoint], running: str, to: str) -> bool:
    """Whether a version was deployed later than the one that runs, as far as their restore points tell."""
    order = list(dict.fromkeys(point.version for point in points if point.kind == "deploy"))
    return running in order and to in order and order.index(to) > order.index(running)
