# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version that was never here, as a restore point to go to: its files, its images built, pulled or found.

Once it is written, going there is a switch like any other. Nothing that runs is touched, and no image name is moved but
those of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _capture,
    _draft,
    _files,
    _image_labels,
    _image_tags,
    _journal,
    _plan,
    _preview,
    _rebuild,
    _release_files,
    _release_images,
    _situation,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import (
    RELEASE,
    GitPart,
    RestorePoint,
    ServicePart,
)
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, file_part
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan
from ansible_collections.tiered.rollback.plugins.module_utils._release_files import Files
from ansible_collections.tiered.rollback.plugins.module_utils._release_images import BUILD, PULL, Origin

#: What stands for an image that is not there yet.
_TO_COME = {BUILD: "to be built", PULL: "to be pulled"}


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is to be deployed.

    :param running: name of the version that runs.
    :param point: as long as it is not written, images that are to come have no id.
    :param origins: where each service's image comes from.
    :param project: what Compose builds, with a service for each image.
    """

    running: str
    point: RestorePoint
    plan: Plan
    files: Files
    definition: Mapping[str, Any]
    origins: Mapping[str, Origin]
    project: Mapping[str, Any]

    @property
    def built(self) -> list[str]:
        """The services that are built."""
        return sorted(self.project.get("services", ()))

    @property
    def pulled(self) -> list[str]:
        """The images that are pulled."""
        return sorted({origin.reference for origin in self.origins.values() if origin.how == PULL})

    @property
    def actions(self) -> list[str]:
        """What makes it, a sentence each."""
        return [*(f"build {name}" for name in self.built), *(f"pull {name}" for name in self.pulled)]


def look(ctx: Context, now: Observed, version: str, *, fetch: bool) -> Release:
    """Find out what a version is here; touches nothing but, with *fetch*, git's objects.

    :raises RollbackError: when nothing here is that version, with what would be.
    """
    points = list(ctx.store.points())
    running = _situation.running(ctx, now)
    checkout = Checkout(ctx.stack.project_src)
    files = _release_files.find(ctx.stack, now, checkout, version, running, fetch=fetch)
    definition = dict(now.definition)
    if files.contents:
        definition = _preview.render(ctx.stack, now.project, files.contents)
    if files.commit:
        _release_files.refuse_unlisted(ctx.stack, now, checkout, files.commit, definition)
    base = _capture.drafted(ctx.stack, now, ctx.engine, running)
    created = _journal.now()
    origins = _release_images.find(ctx.stack, ctx.engine, now, base.services, definition, version, files.source)
    point = _point(ctx, now, base, files, definition, origins, version, created)
    if point.id in {known.id for known in points}:
        raise RollbackError(f"release {point.id} was made a moment ago", "Run the command again.")
    plan = _plan.plan(ctx.stack, now, point, definition)
    if not plan.steps:
        raise RollbackError(
            f"nothing here is {version}: no file, variable or image of this stack would change",
            "A version is a git tag in project_src, a version variable in the environment file, an image NAME:VERSION, "
            "or what a 'build' section makes; see docs/deploy.md.",
        )
    project = _project(ctx, checkout, point, definition, origins, files)
    return Release(
        running=running, point=point, plan=plan, files=files, definition=definition, origins=origins, project=project
    )


def perform(ctx: Context, release: Release, timeout: float) -> RestorePoint:
    """Build and pull, and write the point, proven; to be called by who owns the stack.

    :raises RollbackError: when an image cannot be had; nothing is left of it then.
    """
    _rebuild.clear(ctx)
    activity = ctx.journal(_journal.ACTIVITY, "build", 1, release.point.id)
    try:
        tree = _rebuild.trees(ctx) / release.point.id
        _files.private_directory(tree.parent)
        if release.files.commit and release.built:
            with activity.step("check out"):
                Checkout(ctx.stack.project_src).add_worktree(tree, release.files.commit)
        else:
            tree.mkdir()
        if release.built:
            with activity.step("build", services=release.built):
                _build(ctx, release, tree, timeout)
        if release.pulled:
            with activity.step("pull", services=release.pulled):
                for reference in release.pulled:
                    _release_images.pull(ctx.engine, reference)
        with activity.step("prove"):
            return _write(ctx, release)
    finally:
        _rebuild.clear(ctx)


def _point(
    ctx: Context,
    now: Observed,
    base: RestorePoint,
    files: Files,
    definition: Mapping[str, Any],
    origins: Mapping[str, Origin],
    version: str,
    created: str,
) -> RestorePoint:
    hashes = ctx.compose.hashes(definition)
    services = {}
    for name, entry in definition["services"].items():
        present, before = base.services.get(name), now.definition["services"].get(name)
        origin = origins[name]
        found = present if present and entry == before else None
        part = found or ServicePart(
            image=origin.image,
            image_id="",
            config_hash=hashes[name],
            rendered_hash=hashes[name],
            replicas=_draft.replicas(present, before, entry),
        )
        image_id = origin.image_id or _TO_COME[origin.how]
        services[name] = part if part.image_id == image_id else replace(part, image_id=image_id, digests=origin.digests)
    commit = files.commit if files.staged else None
    return replace(
        base,
        id=f"{_capture.point_id(version, created)}-{RELEASE}",
        version=version,
        kind=RELEASE,
        created=created,
        reason=ctx.run.reason or f"release of {version}",
        services=services,
        files={path: _part(ctx, path, files, part) for path, part in now.files.items()},
        definition=_files.sha256(_files.dump_json(definition)),
        variables=files.variables,
        git=GitPart(commit=commit, tag=version, clean=True) if commit else None,
        databases={},
        mcp=None,
    )


def _part(ctx: Context, path: str, files: Files, present: Any) -> Any:
    if path not in files.contents:
        return present
    data = files.contents[path]
    if data is None:
        return replace(present, sha256=None, size=0)
    known = present if present.sha256 else file_part(Path(ctx.stack.project_src) / path)
    return replace(known, sha256=_files.sha256(data), size=len(data))


def _project(
    ctx: Context,
    checkout: Checkout,
    point: RestorePoint,
    definition: Mapping[str, Any],
    origins: Mapping[str, Origin],
    files: Files,
) -> dict[str, Any]:
    """Return what Compose is to build; services that share an image are built once."""
    chosen = {origin.built_as: name for name, origin in sorted(origins.items(), reverse=True) if origin.how == BUILD}
    if not chosen:
        return {}
    tags = _image_tags.of_point(point)
    revision = files.commit or checkout.revision()
    labels = _image_labels.stamp(point.created, revision, point.version)
    tops = _rebuild.tops(checkout, ctx.stack.project_src) if files.commit else []
    services = {}
    for name in chosen.values():
        build = dict(definition["services"][name]["build"])
        moved = _rebuild.moved(build, name, tops, _rebuild.trees(ctx) / point.id) if files.commit else _kept(build)
        services[name] = {"build": {**moved, "labels": {**_labels(moved.get("labels")), **labels}}, "image": tags[name]}
    return {"name": point.project, "services": services, "secrets": definition.get("secrets") or {}}


def _kept(build: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in build.items() if key not in _rebuild.LEFT_OUT}


def _labels(stated: Any) -> dict[str, str]:
    if isinstance(stated, Mapping):
        return {str(name): str(value) for name, value in stated.items()}
    return dict(entry.partition("=")[::2] for entry in stated or ())


def _build(ctx: Context, release: Release, tree: Path, timeout: float) -> None:
    try:
        ctx.compose.build(release.project, str(tree), timeout)
    except RollbackError as error:
        raise RollbackError(
            f"{release.point.version} cannot be built: {error.message}",
            "Correct what the build says, then run the same command again. Nothing that runs was touched.",
        ) from error


def _write(ctx: Context, release: Release) -> RestorePoint:
    """Write the point with the images that are there by now."""
    made = {}
    for name, service in release.project.get("services", {}).items():
        made[release.origins[name].built_as] = service["image"]
    services = {}
    for name, part in release.point.services.items():
        origin = release.origins[name]
        reference = made.get(origin.built_as) if origin.how == BUILD else origin.reference
        image = ctx.engine.image(origin.image_id or reference or "")
        if image is None:
            raise RollbackError(f"the image of {name} ({reference}) is not on this host", "Look at what was built.")
        services[name] = replace(part, image_id=image.id, digests=image.digests, size=image.size)
    root = Path(ctx.stack.project_src)
    contents: dict[str, bytes] = {}
    for path in release.point.files:
        data = release.files.contents[path] if path in release.files.contents else _files.read(root / path)
        if data is not None:
            contents[path] = data
    point = replace(release.point, services=services)
    _capture.keep(ctx.store, point, contents, release.definition, ctx.engine)
    _capture.prove(ctx.store, ctx.engine, point)
    return point
