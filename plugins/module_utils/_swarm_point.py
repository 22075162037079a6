# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore point of a stack of a swarm: every service's specification, and its image by digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _baseline,
    _capture,
    _checks,
    _files,
    _journal,
    _names,
    _swarm_plan,
    _swarm_service,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint, ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._stack import SWARM, Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store
from ansible_collections.tiered.rollback.plugins.module_utils._swarm_service import Seen, Service


def look(ctx: Context) -> Seen:
    """Return the services of the stack, as they are.

    :raises RollbackError: where there are none, or one is a job.
    """
    namespace = ctx.stack.project_name or ctx.stack.name
    seen = ctx.swarm.look(namespace)
    if not seen.services:
        raise RollbackError(
            f"the swarm has no service of a stack {namespace}",
            "Deploy it (docker stack deploy), or correct project_name in rollback_stack.",
        )
    for service in seen.services:
        if not {"Replicated", "Global"} & set(service.spec["Mode"]):
            raise RollbackError(
                f"service {service.name} is a job, and what a job did cannot be taken back",
                "Keep jobs out of the stack, in one of their own.",
            )
    return seen


def describe(
    stack: Stack,
    now: Seen,
    *,
    point_id: str,
    version: str,
    kind: str,
    reason: str,
    healthy: bool,
    baseline: Mapping[str, Mapping[str, float]] | None = None,
) -> RestorePoint:
    """Return the manifest of what runs now; writes nothing."""
    return RestorePoint(
        id=point_id,
        stack=stack.name,
        project=now.project,
        engine=SWARM,
        version=version,
        kind=kind,
        created=_journal.now(),
        reason=reason,
        healthy=healthy,
        services={service.name: part(service.spec) for service in now.services},
        files={},
        definition=_files.sha256(_files.dump_json(now.definition)),
        baseline=baseline or {},
    )


def part(spec: Mapping[str, Any]) -> ServicePart:
    """Return what a manifest says of a service."""
    image = str(spec["TaskTemplate"]["ContainerSpec"]["Image"])
    found = _swarm_service.pinned(image)
    count = _swarm_service.replicas(spec)
    return ServicePart(
        image=image.partition("@")[0],
        image_id=found[1] if found else "",
        digests=(_swarm_service.reference(image),) if found else (),
        replicas=1 if count is None else count,
    )


def equal_points(stack: Stack, store: Store, now: Seen, points: Sequence[RestorePoint]) -> list[RestorePoint]:
    """Return the points that what runs now already equals: those to which the plan is empty."""
    found = []
    for point in points:
        try:
            definition = store.definition(point)
        except RollbackError:
            continue
        if not _swarm_plan.plan(stack, now, point.id, definition, needed_first=True).steps:
            found.append(point)
    return found


def running_version(now: Seen, same: Sequence[RestorePoint]) -> str:
    """Name what runs: by a point it equals, else by what most images are tagged."""
    if same:
        return same[-1].version
    tags = Counter(_swarm_service.tag(service.image) for service in now.services)
    usable = [(count, name) for name, count in tags.items() if _names.is_version(name) and name != "latest"]
    return max(usable)[1] if usable else "unknown"


def health(now: Seen) -> list[_checks.Result]:
    """Check that every service runs as its specification says."""
    return [_result(service) for service in now.services]


def _result(service: Service) -> _checks.Result:
    problem = service.problem
    return _checks.Result(name=f"service {service.name}", ok=not problem, found=problem or f"{service.ready} replicas")


def missing_images(has_image: Callable[[str], bool], images: Iterable[str]) -> list[str]:
    """Return the images, of those named by digest, that neither a registry nor this manager has."""
    wanted = {_swarm_service.reference(image) for image in images if _swarm_service.pinned(image)}
    return sorted(image for image in wanted if not has_image(image))


def capture(ctx: Context, version_of: Callable[[str], str]) -> tuple[RestorePoint, list[str]]:
    """Capture what runs, unless a point of this version already equals it; return the point and what was done.

    :param version_of: checks the name of a version.
    """
    _journal.refuse_unfinished(ctx.state, "so what runs may be half of two versions")
    now, params = look(ctx), ctx.module.params
    deployed = [point for point in ctx.store.points() if point.kind == "deploy"]
    current = [p for p in equal_points(ctx.stack, ctx.store, now, deployed) if ctx.store.proven(p.id)]
    version = version_of(params["version"] or running_version(now, current))
    if same := [point for point in current if point.version == version]:
        asked, check_mode = params["pinned"], ctx.module.check_mode
        return same[-1], _capture.pin(ctx.store, same[-1], asked=asked, check_mode=check_mode)
    _refuse_bad(ctx, now)
    point = describe(
        ctx.stack,
        now,
        point_id=_capture.point_id(version, _journal.now()),
        version=version,
        kind="deploy",
        reason=ctx.run.reason,
        healthy=True,
        baseline={} if ctx.module.check_mode else _baseline.measure(ctx.stack.checks),
    )
    if not ctx.module.check_mode:
        write(ctx.store, point, now.definition)
        if params["prove"]:
            prove(ctx, point)
        if params["pinned"]:
            ctx.store.pin(point.id)
    return point, [f"capture {point.id}", *([f"prove {point.id}"] if params["prove"] else [])]


def write(store: Store, point: RestorePoint, definition: Mapping[str, Any]) -> None:
    """Write a point to disk."""
    data = _files.dump_json(definition)
    _files.reserve(store.root, len(data) + (1 << 20))
    store.add(point, {}, data)


def prove(ctx: Context, point: RestorePoint) -> None:
    """Read every part back, see that every image can be had by digest, and mark the point as proven."""
    ctx.store.verify(point)
    images = [image for each in point.services.values() for image in each.digests]
    if missing := missing_images(ctx.swarm.has_image, images):
        raise RollbackError(
            f"neither a registry nor this manager has {', '.join(missing)}",
            "Push the image, or let the manager reach the registry (docker login); then capture again.",
        )
    ctx.store.mark_proven(point.id, "specifications read back, images to be had by digest")


def _refuse_bad(ctx: Context, now: Seen) -> None:
    unpinned = [service.name for service in now.services if _swarm_service.pinned(service.image) is None]
    if unpinned:
        raise RollbackError(
            f"the image of {', '.join(unpinned)} is not named by digest, so what runs cannot be told",
            "Deploy while the registry answers: docker stack deploy --resolve-image always.",
        )
    _checks.refuse_bad([*health(now), *_checks.run(ctx.stack.checks)])
