# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore point of what runs now: what is observed, turned into a manifest and its parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _files,
    _image_labels,
    _image_tags,
    _journal,
    _names,
)
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import (
    DatabasePart,
    GitPart,
    RestorePoint,
    ServicePart,
)
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._select import PREVIOUS
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store


def describe(
    stack: Stack,
    now: Observed,
    engine: Engine,
    *,
    point_id: str,
    version: str,
    kind: str,
    created: str,
    reason: str,
    healthy: bool,
    databases: Mapping[str, DatabasePart] | None = None,
    mcp: str | None = None,
) -> RestorePoint:
    """Return the manifest of what runs now; writes nothing.

    :param kind: ``deploy`` demands a stack worth returning to; ``before`` takes any state as it is.
    :param healthy: whether containers and checks are good now; a point that is not must only be *as captured* later.
    :param databases: their copies, which lie in the store already.
    :param mcp: id of the snapshot of the MCP container's data.
    :raises RollbackError: for a ``deploy`` point of a stack that does not run as its files say.
    """
    if not now.containers:
        raise RollbackError(
            f"no container of project {now.project} exists on this host",
            "Start the stack, or correct project_name and project_src in rollback_stack.",
        )
    if kind == "deploy":
        _refuse_drift(now)
    services = {name: _service(now, name, engine) for name in dict.fromkeys(c.service for c in now.containers)}
    return RestorePoint(
        id=point_id,
        stack=stack.name,
        project=now.project,
        version=version,
        kind=kind,
        created=created,
        reason=reason,
        healthy=healthy,
        services=services,
        files=now.files,
        definition=_files.sha256(_files.dump_json(now.definition)),
        variables=now.variables,
        git=_git(stack, now),
        databases=databases or {},
        flags=now.flags,
        mcp=mcp,
    )


def drafted(stack: Stack, now: Observed, engine: Engine, version: str) -> RestorePoint:
    """Describe what runs as a point from which another is made; it is never written itself."""
    return describe(
        stack,
        now,
        engine,
        point_id="draft",
        version=version,
        kind="before",
        created=_journal.now(),
        reason="",
        healthy=True,
    )


def write(stack: Stack, store: Store, now: Observed, point: RestorePoint, engine: Engine) -> RestorePoint:
    """Push images where a registry is set, keep them by tags of our own, and write the point to disk.

    :returns: the point as written, with the registry's digests.
    """
    contents = {}
    for path, part in point.files.items():
        data = _files.read(Path(stack.project_src) / path)
        if part.sha256 is not None:
            if data is None or _files.sha256(data) != part.sha256:
                raise RollbackError(f"{path} changed while it was captured", "Run the command again.")
            contents[path] = data
    if stack.registry and point.kind == "deploy":
        point = _push(stack.registry, point, list(store.points()), engine)
    keep(store, point, contents, now.definition, engine)
    return point


def keep(
    store: Store, point: RestorePoint, contents: Mapping[str, bytes], definition: Mapping[str, Any], engine: Engine
) -> None:
    """Keep a point's images by tags of our own, and write it to disk."""
    _files.reserve(store.root, sum(map(len, contents.values())) + (1 << 20))
    for name, tag in _image_tags.of_point(point).items():
        # A state before is captured as it is, even where somebody removed the image of a container that still runs.
        if point.kind == "deploy" or engine.image(point.services[name].image_id) is not None:
            engine.tag(point.services[name].image_id, tag)
    store.add(point, contents, _files.dump_json(definition))


def pin(store: Store, point: RestorePoint, *, asked: bool, check_mode: bool) -> list[str]:
    """Keep a point that is there already from being removed by age, where that is asked for; return what is done."""
    if not asked or store.pinned(point.id):
        return []
    if not check_mode:
        store.pin(point.id)
    return [f"pin {point.id}"]


def move_tags(
    engine: Engine, stack: str, points: Sequence[RestorePoint], *, check_mode: bool = False
) -> dict[str, str]:
    """Make every version's names point to its image, where that is at hand; return those that did not, with its id."""
    there = engine.tags()
    stale = {
        name: image_id
        for name, image_id in _image_tags.names(stack, points).items()
        if there.get(name) != image_id and engine.image(image_id) is not None
    }
    if not check_mode:
        for name, image_id in stale.items():
            engine.tag(image_id, name)
    return stale


def prove(store: Store, engine: Engine, point: RestorePoint) -> None:
    """Read every part back, see that every image is at hand by id, and mark the point as proven."""
    store.verify(point)
    missing = [name for name, part in point.services.items() if engine.image(part.image_id) is None]
    if missing:
        raise RollbackError(f"the images of {', '.join(missing)} are gone", "Build or pull them, then capture again.")
    store.mark_proven(point.id, "parts read back, images at hand by id, files rendered by Compose")


def point_id(version: str, created: str) -> str:
    """Name the restore point of a version that is captured on request."""
    return f"{version}-{re.sub('[-:]', '', created[:19])}Z"


def running_version(now: Observed, engine: Engine, same: Sequence[RestorePoint]) -> str:
    """Name what runs: by a point it equals, else by what most images say of themselves, else by a version variable.

    Base images label themselves too, hence the majority, the higher one where there is none.
    """
    if same:
        return same[-1].version
    images = [image for c in now.containers if (image := engine.image(c.image_id)) is not None]
    labels = Counter(image.labels[_image_labels.VERSION] for image in images if image.labels.get(_image_labels.VERSION))
    variables = Counter(now.variables.values())
    for names in (labels, variables):
        usable = [(count, name) for name, count in names.items() if _names.is_version(name)]
        if usable:
            return max(usable)[1]
    return "unknown"


def _service(now: Observed, name: str, engine: Engine) -> ServicePart:
    containers = now.of(name)
    running = [container for container in containers if container.running]
    chosen = _newest(running or list(containers))
    image = engine.image(chosen.image_id)
    # A container that ended well is a one-shot job (a migration): its image is kept, it is not run again.
    return ServicePart(
        image=now.definition["services"].get(name, {}).get("image") or chosen.image,
        image_id=chosen.image_id,
        digests=image.digests if image else (),
        config_hash=chosen.config_hash,
        rendered_hash=now.hashes.get(name, chosen.config_hash),
        replicas=0 if all(not c.running and c.exit_code == 0 for c in containers) else max(len(running), 1),
        size=image.size if image else 0,
    )


def _newest(containers: Sequence[Container]) -> Container:
    return max(containers, key=lambda container: container.created)


def _refuse_drift(now: Observed) -> None:
    for container in now.containers:
        wanted: Mapping[str, str] = now.hashes
        if container.service in wanted and container.config_hash != wanted[container.service]:
            raise RollbackError(
                f"service {container.service} runs with another configuration than the files in its project say",
                "Run 'docker compose up -d' first, so that the restore point can reproduce what runs.",
            )
        if len({other.image_id for other in now.of(container.service)}) > 1:
            raise RollbackError(
                f"service {container.service} runs more than one image",
                "Finish the deployment first, then capture.",
            )


def users_repositories(registry: str, point: RestorePoint) -> list[str]:
    """Name the services whose repository below the registry's prefix is one that the Compose file names images in.

    The versions there are the user's own.
    """
    found = []
    for name in point.services:
        repository = f"{registry}/{name.lower()}"
        if any(re.fullmatch(f"{re.escape(repository)}(?:[:@].*)?", part.image) for part in point.services.values()):
            found.append(name)
    return found


def _push(registry: str, point: RestorePoint, others: Sequence[RestorePoint], engine: Engine) -> RestorePoint:
    services = {}
    for name, reference in _image_tags.of_point(point, registry).items():
        part = point.services[name]
        engine.tag(part.image_id, reference)
        digest = engine.push(reference)
        services[name] = replace(part, digests=tuple(dict.fromkeys([digest, *part.digests])))
    _push_versions(registry, point, others, engine)
    return replace(point, services=services)


def _push_versions(registry: str, point: RestorePoint, others: Sequence[RestorePoint], engine: Engine) -> None:
    """Move the registry's tags that a new point moves, to images that are there already."""
    own, moved = _image_tags.of_versions([point]), _image_tags.of_versions([*others, point])
    for name in sorted(set(point.services) - set(users_repositories(registry, point))):
        for tag in sorted({*own[name], PREVIOUS} & moved[name].keys()):
            if engine.image(moved[name][tag]) is not None:
                reference = _image_tags.image_name(registry, name, tag)
                engine.tag(moved[name][tag], reference)
                engine.push(reference)
                # Here it would outlive its restore point.
                engine.untag(reference)


def _git(stack: Stack, now: Observed) -> GitPart | None:
    checkout = Checkout(stack.project_src)
    commit = checkout.commit()
    tracked = checkout.tracked(list(now.files)) if commit else []
    if commit is None or not tracked:
        return None
    return GitPart(commit=commit, tag=checkout.tag(), clean=not checkout.differs(tracked))
