# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore point of a stack as it is, but for the parts that are asked for: what a Tier 3 run goes to.

Once drafted it is a target like any other: planned, switched to, verified and undone by the same code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _backup,
    _capture,
    _env_file,
    _files,
    _flag_api,
    _flags,
    _journal,
    _mcp_part,
    _partial,
    _plan,
    _preview,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Value
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import FilePart, RestorePoint, ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, file_part
from ansible_collections.tiered.rollback.plugins.module_utils._partial import Request


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A restore point that is not written yet.

    :param scope: the services that may be touched.
    :param seen: the stack as it is, with the files that change and that nobody calls configuration, and the flags.
    """

    point: RestorePoint
    definition: Mapping[str, Any]
    contents: Mapping[str, bytes]
    scope: frozenset[str]
    seen: Observed


@dataclass(frozen=True, kw_only=True)
class _Base:
    """What everything that is not asked for stays as; after a kill that is the state before the killed run."""

    point: RestorePoint
    definition: Mapping[str, Any]
    contents: dict[str, bytes | None]


@dataclass(kw_only=True)
class _Changes:
    """What is asked for, file by file and flag by flag."""

    contents: dict[str, bytes | None] = field(default_factory=dict)
    parts: dict[str, FilePart] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    flags: dict[str, Value] = field(default_factory=dict)


def make(
    ctx: Context, now: Observed, unfinished: Journal | None, request: Request, source: RestorePoint | None, running: str
) -> Draft:
    """Draft what is asked for; touches nothing.

    :param source: the point that components go to.
    :param running: name of the version that runs.
    :raises RollbackError: when a name means nothing, the files would not be valid together, or the part cannot be told
        from what is to stay.
    """
    base = _base(ctx, now, unfinished, running)
    names = _partial.services(request.components, base.definition["services"])
    changes = _changes(ctx, base, request, names, source)
    contents = {**base.contents, **changes.contents}
    definition = _preview.render(ctx.stack, now.project, contents) if changes.contents else dict(base.definition)
    _refuse_unread(changes, definition, request)
    changed = {path for path, data in changes.contents.items() if data != base.contents.get(path)}
    scope = {*names, *changes.readers, *_touched(ctx.stack.project_src, base.definition, definition, changed)}
    if request.data:
        scope |= set(_mcp_services(ctx, base.definition["services"]))
    wanted = {name: source.services[name] for name in names} if source else {}
    services = _services(ctx, now, base, definition, scope, wanted)
    _refuse_to_touch_others(now, request, definition, scope, services)
    label = _partial.label(request, names, source.version if source else None)
    root = Path(ctx.stack.project_src)
    point = replace(
        _named(base.point, f"partial-{ctx.run.id}", label),
        services=services,
        files={path: changes.parts.get(path) or _part(base, root, path, data) for path, data in contents.items()},
        definition=_files.sha256(_files.dump_json(definition)),
        flags=changes.flags,
        mcp=_snapshot(ctx, request, unfinished) if request.data else None,
    )
    present = {path: file_part(root / path) for path in contents}
    return Draft(
        point=point,
        definition=definition,
        contents={path: data for path, data in contents.items() if data is not None},
        scope=frozenset(scope | set((unfinished.facts.get("scope") if unfinished else None) or ())),
        seen=replace(
            now,
            files=present,
            flags=_flag_api.read(ctx.stack, changes.flags),
            mcp=_mcp_part.equal(_mcp_part.of(ctx), point.mcp),
        ),
    )


def write(ctx: Context, draft: Draft) -> None:
    """Keep a draft as a proven restore point; its images are at hand by now."""
    if draft.point.id not in ctx.store.ids():
        _capture.keep(ctx.store, draft.point, draft.contents, draft.definition, ctx.engine)
    _capture.prove(ctx.store, ctx.engine, draft.point)


def _base(ctx: Context, now: Observed, unfinished: Journal | None, running: str) -> _Base:
    if unfinished and unfinished.before:
        point = ctx.store.load(unfinished.before)
        found = {path: ctx.store.content(point, path) for path in point.files}
        return _Base(point=point, definition=ctx.store.definition(point), contents=found)
    point = _capture.drafted(ctx.stack, now, ctx.engine, running)
    root = Path(ctx.stack.project_src)
    return _Base(
        point=point, definition=now.definition, contents={path: _files.read(root / path) for path in now.files}
    )


def _mcp_services(ctx: Context, known: Collection[str]) -> tuple[str, ...]:
    stack = ctx.stack
    if stack.mcp is None or _mcp_part.of(ctx) is None:
        raise RollbackError("rollback_stack describes no mcp", "Give url and token of its snapshot API there.")
    return _partial.services(stack.mcp.services, known)


def _snapshot(ctx: Context, request: Request, unfinished: Journal | None) -> str:
    """Return the snapshot that is meant; a killed run's own, since there may be others since."""
    if unfinished and unfinished.target in ctx.store.ids() and (meant := ctx.store.load(unfinished.target)).mcp:
        return str(meant.mcp)
    service = _mcp_part.of(ctx)
    found = service.snapshots() if service else []
    return _mcp_part.choose(found, request.snapshot, request.levels).id


def _named(base: RestorePoint, point_id: str, label: str) -> RestorePoint:
    """Return the present state as a point of its own; what it has beside the parts is not captured."""
    return replace(
        base,
        id=point_id,
        version=f"{base.version.partition('+')[0][:40]}+{label}",
        kind="partial",
        created=_journal.now(),
        reason=f"{base.version} but for {label}",
        healthy=True,
        variables={},
        git=None,
        databases={},
    )


def _refuse_to_touch_others(
    now: Observed,
    request: Request,
    definition: Mapping[str, Any],
    scope: Collection[str],
    services: Mapping[str, ServicePart],
) -> None:
    moved = {
        _plan.tagged(part.image)
        for name, part in services.items()
        if name in scope and now.tags.get(_plan.tagged(part.image)) != part.image_id
    }
    _partial.refuse_kept(scope, _partial.services(request.keep, definition["services"]))
    _partial.refuse_restarted(scope, definition)
    _partial.refuse_shared_images(scope, definition, moved)


def _changes(
    ctx: Context, base: _Base, request: Request, names: Sequence[str], source: RestorePoint | None
) -> _Changes:
    changes = _Changes()
    if request.config:
        _from_backup(ctx, base, request.config, changes)
    if names or request.flags:
        template = ctx.compose.template()
        if names:
            _of_components(ctx, base, template, names, source, changes)
        for name, value in request.flags.items():
            _flag(ctx, base, template, name, value, changes)
    return changes


def _from_backup(ctx: Context, base: _Base, name: str, changes: _Changes) -> None:
    directory = ctx.state / _backup.DIRECTORY
    chosen, contents = _backup.load(directory, name)
    for path, data in contents.items():
        _present(ctx, base, path)
        changes.contents[path] = data
        changes.parts[path] = file_part(directory / chosen / path)


def _of_components(
    ctx: Context,
    base: _Base,
    template: Mapping[str, Any],
    names: Sequence[str],
    source: RestorePoint | None,
    changes: _Changes,
) -> None:
    """Add the files and variables that only the components read; what others read too stays as it is."""
    if source is None:
        raise RollbackError("components are named, and no version", "Add -e version=..., for example v0.9.0.")
    if missing := sorted(set(names) - set(source.services)):
        raise RollbackError(
            f"restore point {source.id} has no service {', '.join(missing)}",
            f"It has: {', '.join(sorted(source.services))}.",
        )
    stack = ctx.stack
    for path in _partial.own_files(template, base.definition, stack.project_src, names, source.files):
        _present(ctx, base, path)
        changes.contents[path] = ctx.store.content(source, path)
        changes.parts[path] = source.files[path]
    if stack.image_source == "retag":
        return
    own = _partial.own_variables(template, names)
    path = stack.variable_file
    for name in sorted(own & set(source.variables)):
        now = changes.contents.get(path, _present(ctx, base, path))
        if _env_file.value(_env_file.text(now), name) is not None:
            changes.contents[path] = _env_file.assigned(now, name, source.variables[name])


def _flag(ctx: Context, base: _Base, template: Mapping[str, Any], name: str, value: Value, changes: _Changes) -> None:
    if ctx.stack.flag(name).api_url:
        changes.flags[name] = value
        return
    path = ctx.stack.variable_file
    _present(ctx, base, path)
    contents = {**base.contents, **changes.contents}
    found = _flags.sources(name, template, ctx.stack.project_src, path, contents)
    changes.contents |= _flags.edited(contents, found.files, name, value)
    changes.readers |= set(found.services)


def _present(ctx: Context, base: _Base, path: str) -> bytes | None:
    """Return a file as it is, which from now on counts as a part of the present state."""
    return base.contents.setdefault(path, _files.read(Path(ctx.stack.project_src) / path))


def _touched(directory: str, before: Mapping[str, Any], after: Mapping[str, Any], changed: Collection[str]) -> set[str]:
    """Return the services that are other ones afterwards: by their definition, or by a file that they mount."""
    both = {**before["services"], **after["services"]}
    return {
        name
        for name in both
        if before["services"].get(name) != after["services"].get(name) or _plan.reads(directory, after, name, changed)
    }


def _refuse_unread(changes: _Changes, definition: Mapping[str, Any], request: Request) -> None:
    """Refuse a flag that would be set in a file and yet not be what a service gets."""
    for name, value in request.flags.items():
        if name in changes.flags:
            continue
        for service in sorted(changes.readers & set(definition["services"])):
            got = (definition["services"][service].get("environment") or {}).get(name)
            words = {str(value).lower(), _flags.spelled(value, str(got) if got is not None else None).lower()}
            if got is not None and str(got).lower() not in words:
                raise RollbackError(
                    f"service {service} would still get {name}={got}",
                    "Its Compose file or the environment of the deployment overrides the file; change it there.",
                )


def _services(
    ctx: Context,
    now: Observed,
    base: _Base,
    definition: Mapping[str, Any],
    scope: Collection[str],
    wanted: Mapping[str, ServicePart],
) -> dict[str, ServicePart]:
    found, hashes = dict(base.point.services), ctx.compose.hashes(definition)
    for name in scope:
        entry = definition["services"].get(name)
        if entry is None:
            found.pop(name, None)
            continue
        present = found.get(name)
        image = entry.get("image") or (present.image if present else "")
        origin = wanted.get(name) or (
            present if present and present.image == image else _at_hand(ctx, now, name, image)
        )
        if name in wanted and "@" in image and present and present.image_id != origin.image_id:
            raise RollbackError(
                f"the image of {name} is pinned by digest in the Compose file ({image})",
                "Take the Compose file back too: config-rollback.yml, or tier1-emergency.yml.",
            )
        found[name] = replace(
            origin,
            image=image,
            config_hash=hashes[name],
            rendered_hash=hashes[name],
            replicas=replicas(present, base.definition["services"].get(name), entry),
        )
    return found


def replicas(present: ServicePart | None, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> int:
    """Return how many there shall be: as many as now (``--scale``), unless the files come to say another number."""

    def stated(entry: Mapping[str, Any]) -> int:
        return int((entry.get("deploy") or {}).get("replicas", entry.get("scale", 1)))

    return present.replicas if present and before and stated(before) == stated(after) else stated(after)


def _at_hand(ctx: Context, now: Observed, name: str, image: str) -> ServicePart:
    found = ctx.engine.image(now.tags.get(_plan.tagged(image), image))
    if found is None:
        raise RollbackError(
            f"the image {image} that service {name} would run is not on this host",
            f"Pull or load it first (docker pull {image}); nothing was changed.",
        )
    return ServicePart(image=image, image_id=found.id, digests=found.digests, size=found.size)


def _part(base: _Base, root: Path, path: str, data: bytes | None) -> FilePart:
    """Describe a file with these contents; mode and owner stay."""
    if data is None:
        return FilePart(sha256=None)
    present = base.point.files.get(path) or file_part(root / path)
    return replace(present, sha256=_files.sha256(data), size=len(data))
