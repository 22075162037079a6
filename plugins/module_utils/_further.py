# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of other kinds than plain HTTP that must hold at the target too, before a run counts as done."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.tiered.rollback.plugins.module_utils import _checks
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._check import Subject, Verdict
    from ansible_collections.tiered.rollback.plugins.module_utils._check_kinds import Prepared

#: Kinds that say at once whether the target is well. What looks at the time before (Prometheus, alerts) still sees what
#: was wrong then, and what was left behind is looked for by the run itself.
KINDS = ("url", "steps", "sql", "container", "command", "sqlite", "mcp")
_POLL = 0.5
#: Seconds that each gets at least, however late the containers got healthy.
_LEAST = 5.0


@dataclass(frozen=True, kw_only=True)
class Further:
    """A stack's further checks, read before anything is touched.

    :param subject: what they work with, of what runs then, up to a monotonic time.
    """

    prepared: Sequence[Prepared]
    subject: Callable[[Observed, float], Subject]

    def wait(
        self, now: Observed, deadline: float, scope: Collection[str] | None, *, mcp: bool = False
    ) -> list[_checks.Result]:
        """Repeat the checks that fail until all hold or the time is over, and return what was found last.

        :param scope: services that the run is about; None: all, and everything else of the stack.
        :param mcp: whether a run that is about some services brought the MCP container's data back too.
        """
        from ansible_collections.tiered.rollback.plugins.module_utils import _check_kinds

        mine = [check for check in self.prepared if _concerns(check, scope, mcp=mcp)]
        until = max(deadline, time.monotonic() + _LEAST)
        subject = self.subject(now, until)
        verdicts = _check_kinds.run(mine, subject) if mine else []
        while (
            failing := [n for n, each in enumerate(verdicts) if not each.ok]
        ) and time.monotonic() + _POLL < deadline:
            time.sleep(_POLL)
            for place, found in zip(failing, _check_kinds.run([mine[n] for n in failing], subject), strict=True):
                verdicts[place] = found
        return [_result(each) for each in verdicts]


def prepare(ctx: Context) -> Further | None:
    """Read the stack's further checks; a wrong one is told, and stands in the way of no rollback."""
    raw = [entry for entry in ctx.stack.more_checks if any(kind in entry for kind in KINDS)]
    if not raw:
        return None
    # Whoever has none of them does not import what they need.
    from ansible_collections.tiered.rollback.plugins.module_utils import _check_kinds, _verify

    prepared: list[Prepared] = []
    for entry in raw:
        where = f"rollback_stack.checks[{ctx.stack.more_checks.index(entry)}]"
        try:
            prepared += _check_kinds.parse([entry], where, ctx.stack, {})
        except RollbackError as error:
            ctx.module.warn(f"a check is left out: {error}")
    ctx.module.no_log_values.update(_check_kinds.secrets(prepared))
    return Further(prepared=prepared, subject=lambda now, until: _verify.subject(ctx, now, until - time.monotonic()))


def _concerns(check: Prepared, scope: Collection[str] | None, *, mcp: bool) -> bool:
    """Whether a check must hold: where only a part goes back, one that names a part of it."""
    if scope is None:
        return True
    service = check.values.get("service") or (check.values["container"] if check.kind.key == "container" else None)
    return service in scope or (mcp and check.kind.key == "mcp")


def _result(verdict: Verdict) -> _checks.Result:
    found = verdict.found if verdict.ok else f"{verdict.found}, wanted {verdict.expected}"
    return _checks.Result(name=verdict.name, ok=verdict.ok, found=found, milliseconds=verdict.milliseconds)
