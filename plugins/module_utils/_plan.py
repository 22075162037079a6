# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a rollback: from what runs now to a restore point, as one pure function.

Check mode shows what :func:`plan` returns; the real run executes the same object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _cutover, _flags
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import (
    FilePart,
    RestorePoint,
    ServicePart,
)
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

_FILE_ACTIONS = ("write_file", "remove_file", "set_variable")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change.

    :param action: ``write_file``, ``remove_file``, ``set_variable``, ``move_tag``, ``swap_database``, ``start_first``,
        ``stop_first``, ``restart``, ``remove_service``, ``set_flag`` or
        ``restore_snapshot``.
    :param subject: path, image name, database, service, feature flag or snapshot.
    :param note: why, or how.
    """

    action: str
    subject: str
    now: str
    target: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.subject}: {self.now} -> {self.target}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """What a killed run had done: files it replaced, and since when containers may not know them."""

    files: frozenset[str]
    since: str

    @classmethod
    def after(cls, steps: Iterable[Mapping[str, Any]], since: str) -> Interrupted | None:
        """Return what a journal's steps replaced; None where that was nothing.

        :param since: when its run began.
        """
        files = {path for step in steps for path in step.get("files", ())}
        return cls(files=frozenset(files), since=since) if files else None


@dataclass(frozen=True, kw_only=True)
class DatabaseNow:
    """A live database.

    :param schema: version or hash of its schema.
    :param size: bytes.
    :param restored: id of the restore point whose data it is, where a run brought it back and nobody replaced it since.
    :param writers: services that are stopped while it is exchanged; None: every service that is replaced.
    """

    schema: str
    size: int
    restored: str | None
    writers: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Ordered steps; empty where the target is what runs.

    :param replicas: containers each service of a step shall have afterwards.
    :param writers: services that are stopped before the databases are exchanged.
    """

    target: str
    source: str
    steps: tuple[Step, ...]
    replicas: Mapping[str, int]
    writers: tuple[str, ...] = ()

    def subjects(self, action: str) -> tuple[str, ...]:
        """Subjects of the steps of one kind, in order."""
        return tuple(step.subject for step in self.steps if step.action == action)

    @property
    def files(self) -> list[str]:
        """Paths that are written or removed."""
        return [*self.subjects("write_file"), *self.subjects("remove_file")]

    @property
    def changes_files(self) -> bool:
        """Whether Compose would read anything else afterwards than it does now."""
        return any(step.action in _FILE_ACTIONS for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON types."""
        return {"target": self.target, "source": self.source, "steps": [asdict(step) for step in self.steps]}

    def diff(self) -> dict[str, str]:
        """Return the plan as Ansible's diff shows it; contents of files are never part of it."""
        # With the note, since a service that is only made anew has the same image on both sides.
        notes = [f" ({step.note})" if step.note else "" for step in self.steps]
        return {
            "before": "".join(f"{step.action} {step.subject}: {step.now}\n" for step in self.steps),
            "after": "".join(
                f"{step.action} {step.subject}: {step.target}{note}\n"
                for step, note in zip(self.steps, notes, strict=True)
            ),
            "before_header": "running now",
            "after_header": self.target,
        }


def plan(
    stack: Stack,
    now: Observed,
    target: RestorePoint,
    definition: Mapping[str, Any],
    interrupted: Interrupted | None = None,
    databases: Mapping[str, DatabaseNow] | None = None,
    scope: Collection[str] | None = None,
) -> Plan:
    """Compute the steps from what runs now to a restore point.

    :param definition: the project as rendered when the target was captured.
    :param interrupted: what an unfinished run left half done.
    :param databases: those that go back too, by name; None in a tier that leaves data alone.
    :param scope: services that may be touched; None: all.
    """
    if scope is not None:
        within = {name: part for name, part in target.services.items() if name in scope}
        target = replace(target, services=within)
        now = replace(now, containers=tuple(each for each in now.containers if each.service in scope))
    source = image_source(stack, now, target)
    files = _file_steps(stack, now, target, source)
    changed = {step.subject for step in files}
    tags = _tag_steps(now, target)
    services, replicas = _service_steps(stack, now, target, definition, changed, interrupted)
    gone = _removals(now, target)
    data = _database_steps(target, databases or {}, others=bool(files or tags or services or gone))
    writers = _writers(target, databases or {}, data, set(replicas))
    snapshot = _snapshot_steps(now, target)
    with_data = set(stack.mcp.services) & set(target.services) if snapshot and stack.mcp else set()
    services = _stopping(services, {*writers, *with_data})
    restarts = _restarts(now, {*writers, *with_data}, set(replicas))
    flags = _flag_steps(now, target)
    return Plan(
        target=target.id,
        source=source,
        steps=(*files, *tags, *data, *snapshot, *services, *restarts, *gone, *flags),
        replicas=replicas,
        writers=writers,
    )


def image_source(stack: Stack, now: Observed, target: RestorePoint) -> str:
    """Return how images go back: ``git``, ``variable`` or ``retag``; as stated, or found out from the stack."""
    if stack.image_source != "auto":
        return stack.image_source
    if target.git is not None and target.git.clean:
        return "git"
    return "variable" if now.variables else "retag"


def _file_steps(stack: Stack, now: Observed, target: RestorePoint, source: str) -> list[Step]:
    steps = []
    for path, part in target.files.items():
        current = now.files.get(path, FilePart(sha256=None))
        if current.sha256 == part.sha256:
            continue
        action = "remove_file" if part.sha256 is None else "write_file"
        steps.append(Step(action=action, subject=path, now=_sum(current), target=_sum(part)))
    # The whole environment file goes back where it is part of the configuration; only where it is not are the
    # version variables set in it one by one.
    if source == "variable" and stack.variable_file not in target.files:
        steps += [
            Step(action="set_variable", subject=name, now=now.variables.get(name, "unset"), target=value)
            for name, value in sorted(target.variables.items())
            if now.variables.get(name) != value
        ]
    return steps


def _tag_steps(now: Observed, target: RestorePoint) -> list[Step]:
    wanted = {tagged(part.image): part.image_id for part in target.services.values() if "@" not in part.image}
    return [
        Step(action="move_tag", subject=name, now=short(now.tags.get(name)), target=short(image_id))
        for name, image_id in sorted(wanted.items())
        if now.tags.get(name) != image_id
    ]


def _service_steps(
    stack: Stack,
    now: Observed,
    target: RestorePoint,
    definition: Mapping[str, Any],
    changed: Collection[str],
    interrupted: Interrupted | None,
) -> tuple[list[Step], dict[str, int]]:
    steps: list[Step] = []
    replicas: dict[str, int] = {}
    for name, part in target.services.items():
        containers = now.of(name)
        changed_inputs = reads(stack.project_src, definition, name, changed)
        reason = _reason(part, containers, wanted_hashes(part, now, name, changed), changed_inputs)
        if not reason and interrupted and reads(stack.project_src, definition, name, interrupted.files):
            reason = _stale(containers, interrupted.since)
        if not reason:
            continue
        definitions = [d["services"][name] for d in (now.definition, definition) if name in d.get("services", {})]
        cutover, why = _cutover.choose(
            name,
            stack.service(name).cutover,
            definitions,
            has_health=any(c.health for c in containers) or any("healthcheck" in d for d in definitions),
            has_volumes=any(c.writable_volumes for c in containers),
        )
        running = ", ".join(sorted({short(container.image_id) for container in containers if container.running}))
        note = f"{reason}; {why}"
        steps.append(
            Step(action=cutover, subject=name, now=running or "absent", target=short(part.image_id), note=note)
        )
        replicas[name] = part.replicas
    return sorted(steps, key=lambda step: step.action), replicas


def _database_steps(target: RestorePoint, databases: Mapping[str, DatabaseNow], *, others: bool) -> list[Step]:
    """Return a step per database, or none where all hold the target's data: they go together.

    Data that a run has brought back and on which the target's own version has worked since *is* the target's: the same
    command once more must not throw away what was written after the rollback.
    """
    if not others and all(now.restored == target.id for now in databases.values()):
        return []
    steps = []
    for name, now in databases.items():
        part = target.databases[name]
        rows = f"schema {part.schema[:12]}, {sum(part.tables.values())} rows in {len(part.tables)} tables"
        current = f"schema {now.schema[:12]}, {now.size} bytes"
        steps.append(Step(action="swap_database", subject=name, now=current, target=rows, note="the live one is kept"))
    return steps


def _writers(
    target: RestorePoint, databases: Mapping[str, DatabaseNow], steps: Collection[Step], replaced: Collection[str]
) -> tuple[str, ...]:
    found: set[str] = set()
    for step in steps:
        stated = databases[step.subject].writers
        found |= set(replaced if stated is None else stated)
    return tuple(sorted(name for name in found if name in target.services))


def _stopping(steps: Collection[Step], writers: Collection[str]) -> list[Step]:
    """Turn start-first into stop-first for services that write: no two versions may write to what is exchanged."""
    return sorted(
        (
            replace(step, action=_cutover.STOP_FIRST, note=f"{step.note.partition(';')[0]}; it writes to the data")
            if step.subject in writers and step.action == _cutover.START_FIRST
            else step
            for step in steps
        ),
        key=lambda step: step.action,
    )


def _restarts(now: Observed, writers: Collection[str], replaced: Collection[str]) -> list[Step]:
    return [
        Step(action="restart", subject=name, now="running", target="running", note="it writes to the data")
        for name in sorted(set(writers) - set(replaced))
        if any(container.running for container in now.of(name))
    ]


def _flag_steps(now: Observed, target: RestorePoint) -> list[Step]:
    return [
        Step(action="set_flag", subject=name, now=str(now.flags.get(name, "unknown")), target=str(value))
        for name, value in target.flags.items()
        if name not in now.flags or not _flags.alike(now.flags[name], value)
    ]


def _snapshot_steps(now: Observed, target: RestorePoint) -> list[Step]:
    if target.mcp is None or target.mcp == now.mcp:
        return []
    return [Step(action="restore_snapshot", subject="mcp", now="the data there is", target=target.mcp)]


def _removals(now: Observed, target: RestorePoint) -> list[Step]:
    extra = {container.service for container in now.containers} - set(target.services)
    return [
        Step(
            action="remove_service",
            subject=name,
            now="running",
            target="absent",
            note="not part of the target",
        )
        for name in sorted(extra)
    ]


def wanted_hashes(part: ServicePart, now: Observed, name: str, changed: Collection[str]) -> set[str]:
    """Return the configuration hashes that a container of the target may carry.

    Where no file changes, what Compose computes *now* counts: another Compose release may hash the same
    configuration otherwise.
    """
    hashes = {part.config_hash, part.rendered_hash}
    if not changed and name in now.hashes:
        hashes.add(now.hashes[name])
    return hashes


def at_target(container: Container, part: ServicePart, hashes: Collection[str]) -> bool:
    """Whether a container already is what the target wants."""
    return container.running and container.image_id == part.image_id and container.config_hash in hashes


def _reason(
    part: ServicePart, containers: Collection[Container], hashes: Collection[str], files: Collection[str]
) -> str:
    """Say why a service must be replaced; empty where it need not be."""
    if part.replicas == 0:
        return ""
    if files:
        return f"reads {', '.join(sorted(files))}"
    if any(container.image_id != part.image_id for container in containers):
        return "image"
    if any(container.config_hash not in hashes for container in containers):
        return "configuration"
    if sum(at_target(container, part, hashes) for container in containers) != part.replicas:
        return "not running as captured"
    return ""


def _stale(containers: Collection[Container], since: str) -> str:
    # Both are UTC in ISO 8601; the engine writes nanoseconds, which sort after the same prefix.
    return "was made before its files went back" if any(c.created[:23] < since[:23] for c in containers) else ""


def reads(directory: str, definition: Mapping[str, Any], service: str, files: Collection[str]) -> set[str]:
    """Return those of some files, relative to the project, that a service mounts itself or by a directory above them.

    Compose's hash does not cover their contents, so a change of them would otherwise go unseen.
    """
    mounted = _mounted(directory, definition, service)
    return {path for path in files if any(PurePosixPath(path).is_relative_to(source) for source in mounted)}


def _mounted(directory: str, definition: Mapping[str, Any], service: str) -> set[str]:
    entry = definition.get("services", {}).get(service, {})
    sources = [mount["source"] for mount in entry.get("volumes") or () if mount.get("type") == "bind"]
    for kind in ("configs", "secrets"):
        named = definition.get(kind) or {}
        sources += [named[use["source"]]["file"] for use in entry.get(kind) or () if "file" in named[use["source"]]]
    root = PurePosixPath(directory)
    return {str(path.relative_to(root)) for source in sources if (path := PurePosixPath(source)).is_relative_to(root)}


def tagged(name: str) -> str:
    """Return an image name as the engine lists it: with its tag, without the default registry."""
    name = name.removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def short(image_id: str | None) -> str:
    """Return an image id as people read it."""
    return "absent" if image_id is None else image_id.removeprefix("sha256:")[:12]


def _sum(part: FilePart) -> str:
    return "absent" if part.sha256 is None else f"sha256 {part.sha256[:12]}"
