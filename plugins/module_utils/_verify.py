# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification: which checks there are for a stack, and what they say, worst first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _baseline,
    _check_kinds,
    _check_profile,
    _drivers,
    _equal,
    _journal,
    _mcp_part,
)
from ansible_collections.tiered.rollback.plugins.module_utils._check import Subject, Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._check_kinds import Prepared
from ansible_collections.tiered.rollback.plugins.module_utils._check_profile import Material
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed

#: Options of the modules that run checks of every kind.
CHECK_OPTIONS: dict[str, dict[str, Any]] = {
    "checks": {"type": "list", "elements": "dict", "default": []},
    "profile": {"type": "dict"},
    "budgets": {"type": "dict", "default": {}},
    "pages": {"type": "list", "elements": "str", "default": []},
    "prometheus": {"type": "str"},
    "alertmanager": {"type": "str"},
}


def prepare(ctx: Context, now: Observed, *, requests: int) -> tuple[list[Prepared], list[str]]:
    """Return every check that is asked for, and what of the profile cannot be checked.

    :param requests: how often a service's checks are sent where there is no profile.

    :raises RollbackError: for a check that is wrong; and where there is none, since nothing would be proven.
    """
    params, stack = ctx.module.params, ctx.stack
    servers = {"prometheus": params["prometheus"], "alertmanager": params["alertmanager"]}
    services = [name for name in now.definition.get("services") or {} if not _ended_well(now, name)]
    material = Material(stack=stack, services=services, pages=params["pages"], servers=servers)
    profile, left_out = _check_profile.expand(
        params["profile"] or {"checks": [{"every": "api", "requests": requests}]}, params["budgets"], material
    )
    prepared = [
        *_check_kinds.parse(profile, "the profile's checks, as they are for this stack, ", stack, servers),
        *_check_kinds.parse(stack.more_checks, "rollback_stack.checks", stack, servers),
        *_check_kinds.parse(params["checks"], "checks", stack, servers),
    ]
    if not prepared:
        raise RollbackError(
            "there is nothing to check",
            "Describe checks in rollback_stack, or name a profile: verify.yml -e profile=containers.",
        )
    ctx.module.no_log_values.update(_check_kinds.secrets(prepared))
    return prepared, left_out


def run(ctx: Context, now: Observed, prepared: Sequence[Prepared]) -> tuple[list[Verdict], str | None]:
    """Run checks and compare what they measured with the restore point of what runs; failures first, then the slow."""
    verdicts = _check_kinds.run(prepared, subject(ctx, now, ctx.module.params["timeout"]))
    point = _running(ctx, now)
    if point:
        verdicts += _baseline.compare(verdicts, point.baseline, ctx.module.params["tolerance"], point.version)
    return sorted(verdicts, key=lambda each: (each.ok, -each.milliseconds)), point.id if point else None


def subject(ctx: Context, now: Observed, timeout: float) -> Subject:
    """Return what checks work with."""
    unfinished = _journal.load(ctx.state)
    return Subject(
        stack=ctx.stack,
        engine=ctx.engine,
        now=now,
        databases={database.name: database for database, _exchange in _drivers.of(ctx, now.project)},
        mcp=_mcp_part.of(ctx),
        deadline=time.monotonic() + timeout,
        unfinished=f"{unfinished.run.describe()} was not finished" if unfinished else "",
    )


def _ended_well(now: Observed, service: str) -> bool:
    """Whether it is a job, such as a migration, that is not wanted to run."""
    return bool(found := now.of(service)) and all(not each.running and each.exit_code == 0 for each in found)


def _running(ctx: Context, now: Observed) -> RestorePoint | None:
    points = [point for point in ctx.store.points() if point.kind == "deploy" and point.baseline]
    return next(iter(_equal.points(ctx.stack, ctx.store, now, points[::-1])), None)
