# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has begun, carried out: to the target, back by itself if that fails, and recorded in any case."""

from __future__ import annotations

from typing import Any, Protocol

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _ending,
    _files,
    _journal,
    _lock,
    _metrics_file,
    _outcome,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._probe import Prober


class Switcher(Protocol):
    """What moves a stack to a restore point; each engine has its own."""

    @property
    def touched(self) -> bool:
        """Whether anything of what runs has been changed."""

    def to(self, point: RestorePoint) -> list[dict[str, Any]]:
        """Bring the stack to a point, and return the results of the checks there."""


def carry_out(
    ctx: Context, journal: Journal, switch: Switcher, target: RestorePoint, before: RestorePoint
) -> dict[str, Any]:
    """Switch, put the state before back where that fails, write report and ledger, and give the stack free.

    :param target: where the run goes.
    :param before: the state before the run.
    :raises RollbackError: when the target was not reached, whether or not the state before could be put back.
    """
    failure: RollbackError | None = None
    checks: list[dict[str, Any]] = []
    with Prober(ctx.stack.checks) as prober:
        try:
            checks = switch.to(target)
            outcome = _outcome.SUCCEEDED
        except Exception as error:  # whatever it was, the stack may be half switched: there is no other way than back
            failure = error if isinstance(error, RollbackError) else RollbackError(f"{type(error).__name__}: {error}")
            outcome, failure = _put_back(ctx, switch, before, failure)
    journal.facts.update(
        outcome=outcome,
        error=str(failure) if failure else None,
        touched=switch.touched,
        checks_after=checks,
        probe=prober.summary(),
        outage=prober.outage(),
        answers=prober.answers(),
    )
    journal.save()
    try:
        ended = _ending.end(ctx.state, ctx.stack.name, journal, prober.lines(), ctx.module.warn)
    finally:
        _metrics_file.write(ctx)
        _lock.release(ctx.state, ctx.run)
    if failure:
        raise RollbackError(failure.message, failure.hint, **ended)
    facts = {key: journal.facts.get(key, {}) for key in ("databases", "outage", "probe")}
    return {"checks": checks, **facts, **ended}


def _put_back(
    ctx: Context, switch: Switcher, before: RestorePoint, failure: RollbackError
) -> tuple[str, RollbackError]:
    said = failure.message.rstrip(".")
    if not switch.touched:
        told = f"{said}. Nothing was changed: {before.version} runs as before"
        return _outcome.REVERTED, RollbackError(told, f"{failure.hint} Then run the same command again.".lstrip())
    try:
        _files.remove(ctx.state / _journal.BALLAST)
        switch.to(before)
    except Exception as error:  # the run must end with an outcome in its journal, whatever happened
        return _outcome.FAILED, RollbackError(
            f"{said}. Putting the state before back failed too: {getattr(error, 'message', error)}",
            "Run the same command again (it continues), or undo.yml (it returns to the state before). Escalate.",
        )
    return _outcome.REVERTED, RollbackError(
        f"{said}. The state before ({before.version}, {before.id}) was put back",
        failure.hint or "status.yml lists the versions that can be chosen instead.",
    )
