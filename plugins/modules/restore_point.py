#!/usr/bin/python

# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_point
short_description: Capture a restore point of what runs
version_added: 1.0.0
description:
  - Records image ids and digests, the Compose project as rendered, the configuration files, the git commit and a copy
    of every database, each with size and SHA-256, reads it all back, restores the databases aside and checks them, and
    marks the point as proven.
  - Images are tagged so that C(docker image prune) leaves them, and pushed where the stack names a registry; below
    C(tiered-rollback/STACK/SERVICE) by the point's id, the version, its C(major.minor), the short git commit, and
    C(previous) for the version deployed before. No name of the user's is moved.
  - Of a stack with C(engine=swarm) it is the specification of every service, with its image by digest; one that is not
    named by digest is refused. Configs, secrets and volumes are only referred to.
  - Where the newest point of this version already equals what runs, nothing is captured; a stack with databases is
    captured anew each time, because their data moves on.
extends_documentation_fragment:
  - tiered.rollback.stack
  - tiered.rollback.stack.run
  - tiered.rollback.stack.attributes
options:
  version:
    description: Name of the version that runs. The default is found from the image labels or the version variable.
    type: str
  pinned:
    description: Whether retention must leave the point alone.
    type: bool
    default: false
  prove:
    description: >-
      Whether every database is restored aside and checked at once. Without it the point is not proven, and no rollback
      takes it.
    type: bool
    default: true
  keep_prepared:
    description: >-
      Whether databases that were restored aside stay there, so that a rollback needs only to exchange them. It takes
      the room of a second database.
    type: bool
    default: false
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Capture v0.9.0 before the next deployment
  tiered.rollback.restore_point:
    stack: "{{ rollback_stack }}"
    run: "{{ rollback_launch.run }}"
    version: v0.9.0
"""

RETURN = r"""
restore_point:
  description: Id of the point that holds what runs.
  returned: success
  type: str
version:
  description: The version it is captured as.
  returned: success
  type: str
size:
  description: Bytes of the files and images it names.
  returned: success
  type: int
remarks:
  description: What a person may want to change, such as images without the labels that say what they are made from.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import contextlib
from dataclasses import replace
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _baseline,
    _capture,
    _checks,
    _context,
    _drivers,
    _equal,
    _image_labels,
    _journal,
    _mcp_part,
    _module,
    _names,
    _owned,
    _select,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RELEASE, RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe

OPTIONS = {
    **_context.RUN_OPTIONS,
    "version": {"type": "str"},
    "pinned": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": True},
    "keep_prepared": {"type": "bool", "default": False},
    "lock_wait": {"type": "int", "default": 30},
}


def act(ctx: Context) -> dict[str, Any]:
    """Capture what runs, unless the newest point of this version already equals it."""
    if ctx.module.check_mode:
        return _capture_point(ctx)
    with _owned.stack(ctx):
        return _capture_point(ctx)


def _capture_swarm(ctx: Context) -> dict[str, Any]:
    from ansible_collections.tiered.rollback.plugins.module_utils import _swarm_point

    point, actions = _swarm_point.capture(ctx, _version)
    return _result(ctx, point, actions)


def _capture_point(ctx: Context) -> dict[str, Any]:
    if ctx.stack.engine == _stack.SWARM:
        return _capture_swarm(ctx)
    _journal.refuse_unfinished(ctx.state, "so what runs may be half of two versions")
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    points = list(ctx.store.points())
    deployed = [point for point in points if point.kind == "deploy"]
    current = [p for p in _equal.points(ctx.stack, ctx.store, now, deployed) if ctx.store.proven(p.id)]
    version = _version(ctx.module.params["version"] or _capture.running_version(now, ctx.engine, current))
    same = [] if ctx.stack.has_data else [point for point in current if point.version == version]
    if same:
        return _result(ctx, same[-1], _complete(ctx, points, same[-1]))
    _checks.refuse_bad([*_checks.health(now), *_checks.run(ctx.stack.checks)])
    created = _journal.now()
    point = _capture.describe(
        ctx.stack,
        now,
        ctx.engine,
        point_id=_capture.point_id(version, created),
        version=version,
        kind="deploy",
        created=created,
        reason=ctx.run.reason,
        healthy=True,
    )
    releases = [each for each in points if each.kind == RELEASE and each.git]
    if released := _equal.points(ctx.stack, ctx.store, now, releases):
        # A deployment leaves the checkout's HEAD where it was.
        point = replace(point, git=released[-1].git)
    if not ctx.module.check_mode:
        point = _write(ctx, now, point)
    return _result(ctx, point, [f"capture {point.id}", *([f"prove {point.id}"] if ctx.module.params["prove"] else [])])


def _complete(ctx: Context, points: list[RestorePoint], point: RestorePoint) -> list[str]:
    """Do what a point lacks that was captured before, or a killed capture left undone; return it."""
    pinned = _capture.pin(ctx.store, point, asked=ctx.module.params["pinned"], check_mode=ctx.module.check_mode)
    moved = _capture.move_tags(ctx.engine, ctx.stack.name, points, check_mode=ctx.module.check_mode)
    return [*pinned, *(f"tag {image_id} as {name}" for name, image_id in moved.items())]


def _write(ctx: Context, now: Observed, point: RestorePoint) -> RestorePoint:
    params = ctx.module.params
    activity = ctx.journal(_journal.ACTIVITY, "capture", 1, point.id)
    # Before the databases are copied, which would slow the answers down.
    point = replace(point, baseline=_baseline.measure(ctx.stack.checks))
    data = Data(_drivers.of(ctx, now.project), ctx.store, activity, list)
    point = replace(point, databases=data.copy(point.id))
    if mcp := _mcp_part.of(ctx):
        point = replace(point, mcp=_mcp_part.capture(mcp, point.id))
    try:
        point = _capture.write(ctx.stack, ctx.store, now, point, ctx.engine)
    except BaseException:
        if mcp and point.mcp:
            # The reason matters more than a snapshot too many.
            with contextlib.suppress(RollbackError):
                mcp.remove(point.mcp)
        raise
    if params["prove"]:
        data.prove(point, keep=params["keep_prepared"])
        _capture.prove(ctx.store, ctx.engine, point)
    if params["pinned"]:
        ctx.store.pin(point.id)
    _capture.move_tags(ctx.engine, ctx.stack.name, list(ctx.store.points()))
    return point


def _version(name: str) -> str:
    if name == _select.PREVIOUS or name.startswith("before-"):
        raise RollbackError(f"{name} cannot be the name of a version", "Give the version's own name, such as v0.9.0.")
    return _names.version(name)


def _remarks(ctx: Context, point: RestorePoint) -> list[str]:
    if ctx.stack.engine == _stack.SWARM:
        # Its nodes have the images.
        return []
    found = {name: ctx.engine.image(part.image_id) for name, part in point.services.items()}
    remarks = _image_labels.remarks({name: image for name, image in found.items() if image}, point.version)
    registry = ctx.stack.registry
    if registry and (users := _capture.users_repositories(registry, point)):
        remarks.append(
            f"{registry} is where {', '.join(users)} has its own images, so tags of versions are not pushed there. "
            "Give rollback_stack.registry a prefix of its own."
        )
    return remarks


def _result(ctx: Context, point: RestorePoint, actions: list[str]) -> dict[str, Any]:
    return {
        **_module.acted(actions),
        "restore_point": point.id,
        "version": point.version,
        "size": point.size,
        "remarks": _remarks(ctx, point),
    }


def main() -> None:
    """Run the module."""
    _context.main(act, OPTIONS, swarms=True)


if __name__ == "__main__":
    main()
