# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore point's images built again from its git commit: a new restore point of the same version.

The images have other ids than those that were captured, and a restore point is immutable. Nothing that runs is touched,
and no image name is moved but those of our own.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _choice,
    _equal,
    _files,
    _image_tags,
    _journal,
    _proc,
    _pull,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe

#: Seconds that a build may take; two thirds of Tier 2's budget.
_TIMEOUT = 1200
_OTHERWISE = "Otherwise load the images (docker load), or choose another version. Nothing was changed."
#: Keys of a build section that would move a name of what runs, or write outside of this host.
LEFT_OUT = ("tags", "cache_to")


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """What is built again, or would be.

    :param source: the point that was asked for.
    :param point: the one to go to; as long as it is not written, with the images of *source*.
    :param project: what Compose builds, with a service for each image; empty where *point* is at hand already.
    :param fetched: whether the commit had to be fetched first.
    """

    source: RestorePoint
    point: RestorePoint
    project: Mapping[str, Any]
    fetched: bool = False

    @property
    def services(self) -> list[str]:
        """The services that are built."""
        return sorted(self.project.get("services", ()))


def look(ctx: Context) -> Rebuild:
    """Find what is asked for and see that it can be built; touches nothing but, outside check mode, git's objects.

    :raises RollbackError: when the version is unknown or damaged, or was not built from a commit that is at hand.
    """
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    points = list(ctx.store.points())
    current = _equal.points(ctx.stack, ctx.store, now, points)
    running = _capture.running_version(now, ctx.engine, current)
    source = _choice.allowed(ctx, ctx.module.params["version"], points, current, running)
    origin = source.rebuilt_from or source.id
    built = [point for point in points if point.rebuilt_from == origin and _is_at_hand(ctx, point)]
    if built:
        return Rebuild(source=source, point=built[-1], project={})
    ctx.store.verify(source)
    commit = _commit(source)
    definition = ctx.store.definition(source)
    builds = _builds(source, definition)
    checkout = Checkout(ctx.stack.project_src)
    fetched = _fetch(checkout, source, commit, check_mode=ctx.module.check_mode)
    created = _journal.now()
    point = replace(
        source,
        id=f"{_capture.point_id(source.version, created)}-rebuilt",
        created=created,
        reason=f"images of {origin} built again from {commit}",
        rebuilt_from=origin,
    )
    known = tops(checkout, ctx.stack.project_src)
    tags = _image_tags.of_point(point)
    services = {
        name: {"build": moved(build, name, known, trees(ctx) / point.id), "image": tags[name]}
        for name, build in builds.items()
    }
    # Their files are seldom in git; they are read where they are.
    secrets = definition.get("secrets") or {}
    project = {"name": source.project, "services": services, "secrets": secrets}
    return Rebuild(source=source, point=point, project=project, fetched=fetched)


def perform(ctx: Context, rebuild: Rebuild) -> RestorePoint:
    """Build the images and write the new point, proven; to be called by who owns the stack.

    :raises RollbackError: when a build fails, with the last of what it said; nothing is left of it then.
    """
    clear(ctx)
    others = {name: part for name, part in rebuild.source.services.items() if not _is_built(rebuild, name)}
    _pull.images(ctx.engine, _pull.missing(ctx.engine, others))
    activity = ctx.journal(_journal.ACTIVITY, "rebuild", 2, rebuild.point.id)
    try:
        with activity.step("check out"):
            directory = _check_out(ctx, rebuild)
        with activity.step("build", services=rebuild.services):
            _build(ctx, rebuild, directory)
        with activity.step("prove"):
            return _write(ctx, rebuild)
    finally:
        clear(ctx)


def _is_at_hand(ctx: Context, point: RestorePoint) -> bool:
    return bool(ctx.store.proven(point.id)) and not _pull.missing(ctx.engine, point.services)


def _commit(source: RestorePoint) -> str:
    if source.git is None:
        raise RollbackError(
            f"restore point {source.id} names no git commit, so its images cannot be built again",
            f"Points of a stack whose project_src is a git checkout do. {_OTHERWISE}",
        )
    if not source.git.clean:
        raise RollbackError(
            f"restore point {source.id} was captured with changes that its commit {source.git.commit[:12]} lacks, "
            "so that what would be built is not what ran",
            f"Commit before you deploy, then capture. {_OTHERWISE}",
        )
    return source.git.commit


def _fetch(checkout: Checkout, source: RestorePoint, commit: str, *, check_mode: bool) -> bool:
    """Get the commit where the checkout lacks it; return whether that is (or would be) needed."""
    if checkout.has(commit):
        return False
    problem = None if check_mode else checkout.fetch_tags()
    if not check_mode and not checkout.has(commit):
        why = f" ({problem})" if problem else ""
        raise RollbackError(
            f"commit {commit[:12]} of restore point {source.id} is neither in the checkout nor at its remote{why}",
            f"Fetch it (git fetch), so that it can be built. {_OTHERWISE}",
        )
    return True


def _builds(source: RestorePoint, definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what builds each image, by the first of the services that run it."""
    first: dict[str, str] = {}
    builds = {}
    for name, part in sorted(source.services.items()):
        build = definition["services"].get(name, {}).get("build")
        if build and first.setdefault(part.image_id, name) == name:
            builds[name] = build
    if not builds:
        raise RollbackError(
            f"no service of restore point {source.id} has a 'build' section in its Compose file",
            f"What made its images is not known. {_OTHERWISE}",
        )
    return builds


def _is_built(rebuild: Rebuild, name: str) -> bool:
    built = {rebuild.source.services[service].image_id for service in rebuild.services}
    return rebuild.source.services[name].image_id in built


def tops(checkout: Checkout, directory: str) -> list[PurePosixPath]:
    """Return the names under which Compose may know the checkout's top, and the project's directory below it."""
    top, below = checkout.place()
    # As it was given: it may lead through a symbolic link, which git has resolved.
    given = PurePosixPath(directory)
    return [top, [given, *given.parents][len(below.parts)]]


def trees(ctx: Context) -> Path:
    """Where commits are checked out, each named after its new point, so that what a killed run left can be told."""
    return ctx.state / "rebuild"


def moved(build: Mapping[str, Any], service: str, tops: list[PurePosixPath], tree: Path) -> dict[str, Any]:
    """Return a build section that reads the work tree instead of the checkout."""

    def move(path: str) -> str:
        for top in tops:
            if PurePosixPath(path).is_relative_to(top):
                return str(tree / PurePosixPath(path).relative_to(top))
        if PurePosixPath(path).is_absolute():
            raise RollbackError(
                f"service {service} is built from {path}, which is not in the checkout, so no commit says what it was",
                _OTHERWISE,
            )
        return path

    kept = {key: value for key, value in build.items() if key not in LEFT_OUT}
    kept.update({key: move(kept[key]) for key in ("context", "dockerfile") if kept.get(key)})
    if kept.get("additional_contexts"):
        kept["additional_contexts"] = {name: move(path) for name, path in kept["additional_contexts"].items()}
    return kept


def _check_out(ctx: Context, rebuild: Rebuild) -> Path:
    """Check the commit out, put the captured configuration over it, and return the project's directory there."""
    checkout, tree = Checkout(ctx.stack.project_src), trees(ctx) / rebuild.point.id
    _files.private_directory(tree.parent)
    checkout.add_worktree(tree, _commit(rebuild.source))
    directory = tree / checkout.place()[1]
    for path, part in rebuild.source.files.items():
        data, target = ctx.store.content(rebuild.source, path), directory / path
        # A link in the commit may lead to a live file; a build does not follow such a link either.
        if data is not None and target.resolve().is_relative_to(tree.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            _files.write(target, data, part.mode)
    return directory


def _build(ctx: Context, rebuild: Rebuild, directory: Path) -> None:
    try:
        ctx.compose.build(rebuild.project, str(directory), _TIMEOUT)
    except RollbackError as error:
        raise RollbackError(
            f"the images of {rebuild.source.id} cannot be built again: {error.message}",
            f"Correct what the build lacks (base images, network), and run the command again. {_OTHERWISE}",
        ) from error


def _write(ctx: Context, rebuild: Rebuild) -> RestorePoint:
    source, store = rebuild.source, ctx.store
    point = _with_images(ctx.engine, rebuild)
    found = {path: store.content(source, path) for path in source.files}
    store.share(source, point.id)
    contents = {path: data for path, data in found.items() if data is not None}
    _capture.keep(store, point, contents, store.definition(source), ctx.engine)
    _capture.prove(store, ctx.engine, point)
    _capture.move_tags(ctx.engine, ctx.stack.name, list(store.points()))
    return point


def _with_images(engine: Engine, rebuild: Rebuild) -> RestorePoint:
    """Return the new point with the images that were built, also for services that share one."""
    images = {}
    for name, service in rebuild.project["services"].items():
        image = engine.image(service["image"])
        if image is None:
            raise RollbackError(f"Compose built {name}, and its image is not on this host", _OTHERWISE)
        images[rebuild.source.services[name].image_id] = image
    parts = dict(rebuild.source.services)
    for name, part in rebuild.source.services.items():
        if part.image_id in images:
            image = images[part.image_id]
            parts[name] = replace(part, image_id=image.id, digests=(), size=image.size)
    return replace(rebuild.point, services=parts)


def clear(ctx: Context) -> None:
    """Remove work trees, and what was made for points that did not get proven, of this run or of a killed one."""
    root = trees(ctx)
    if not root.is_dir():
        return
    # A module that is killed does not take its build along, which would tag an image once it is done.
    _proc.end_below(root)
    prefix = f"{_image_tags.prefix(ctx.stack.name)}/"
    for tree in sorted(root.iterdir()):
        if not ctx.store.proven(tree.name):
            if tree.name in ctx.store.ids():
                ctx.store.remove(tree.name)
            # The point first: one whose image tags are gone could be offered though a prune has taken its images.
            for tag in ctx.engine.tags():
                if tag.startswith(prefix) and tag.endswith(f":{_image_tags.as_tag(tree.name)}"):
                    ctx.engine.untag(tag)
        # Last: its name says what else there is to remove.
        shutil.rmtree(tree)
    ctx.store.discard_partial()
    root.rmdir()
    checkout = Checkout(ctx.stack.project_src)
    # A release may be built where there is no git.
    if checkout.commit() is not None:
        checkout.forget_worktrees()
