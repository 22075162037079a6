# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a stack of a swarm: from the specifications there are to those of a restore point (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _order, _plan, _swarm_service
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan, Step
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._swarm_service import Seen, Service

UPDATE, CREATE, REMOVE = "update_service", "create_service", "remove_service"
SOURCE = "digest"
REPLICAS = "replicas"
START_FIRST, STOP_FIRST = "start-first", "stop-first"
#: How updates are made; no task is another one afterwards.
_MANNER = ("UpdateConfig", "RollbackConfig")
_ABSENT = object()
#: Seconds for which a replica must not fail after its start, where the service itself does not say.
_MONITOR = 5


def plan(
    stack: Stack,
    now: Seen,
    target: str,
    definition: Mapping[str, Any],
    *,
    needed_first: bool,
    scope: Collection[str] | None = None,
) -> Plan:
    """Compute the updates from what runs now to a restore point, in their order.

    :param target: the restore point's id.
    :param definition: the specifications by service, as they were captured.
    :param needed_first: the order of a deployment rather than that of a rollback.
    :param scope: services that may be touched; None: all.
    """
    wanted, present = definition["services"], {service.name: service for service in now.services}
    names = {*wanted, *present} if scope is None else scope
    found = {name: step for name in names if (step := _step(stack, name, present.get(name), wanted.get(name)))}
    ordered = [found[name] for wave in waves(stack, found, needed_first=needed_first) for name in wave]
    return Plan(target=target, source=SOURCE, steps=tuple(ordered), replicas={})


def waves(stack: Stack, names: Collection[str], *, needed_first: bool) -> list[tuple[str, ...]]:
    """Group services that are updated side by side; one group is complete before the next begins."""
    needs = {name: service.depends_on for name, service in stack.services.items()}
    return _order.waves(names, needs, needed_first=needed_first)


def changes(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Name what differs between two specifications; values, which may be secrets, are never part of it."""
    return sorted({_spoken(path) for path in _different(_comparable(now), _comparable(wanted), ())})


def updated(stack: Stack, name: str, wanted: Mapping[str, Any], *, healthy: bool = True) -> dict[str, Any]:
    """Return a specification with the way in which this collection updates: it stops at the first failure.

    :param healthy: whether it is one that got well before; another one need only be as it was.
    """
    own = wanted.get("UpdateConfig") or {}
    order, _why = cutover(stack.service(name).cutover, wanted)
    manner = {
        "Parallelism": own.get("Parallelism", 1),
        "Monitor": own.get("Monitor") or _MONITOR * 10**9,
        "MaxFailureRatio": 0,
        "FailureAction": "pause" if healthy else "continue",
        "Order": order,
    }
    return {**wanted, "UpdateConfig": manner}


def cutover(stated: str, spec: Mapping[str, Any]) -> tuple[str, str]:
    """Choose whether a new replica starts before the old one stops, and say why."""
    if stated != "auto":
        return stated.replace("_", "-"), "as stated"
    task = spec["TaskTemplate"]["ContainerSpec"]
    ports = (spec.get("EndpointSpec") or {}).get("Ports") or ()
    if any(port.get("PublishMode") == "host" for port in ports):
        return STOP_FIRST, "a port of the node"
    if any(mount.get("Type") != "tmpfs" and not mount.get("ReadOnly") for mount in task.get("Mounts") or ()):
        return STOP_FIRST, "writable storage"
    return START_FIRST, "nothing forbids two at once"


def replaces(differences: Collection[str]) -> bool:
    """Whether differences are of more than how updates are made and how many replicas there are.

    Something that scales a service by itself must not stand in the way of a rollback.
    """
    return restarts([name for name in differences if name != REPLICAS])


def restarts(differences: Collection[str]) -> bool:
    """Whether differences are of more than how updates are made."""
    return any(not name.startswith(_MANNER) for name in differences)


def _step(stack: Stack, name: str, now: Service | None, wanted: Mapping[str, Any] | None) -> Step | None:
    if wanted is None:
        gone = _short(now.spec) if now else "absent"
        return Step(action=REMOVE, subject=name, now=gone, target="absent", note="not part of the target")
    how, why = cutover(stack.service(name).cutover, wanted)
    if now is None:
        return Step(action=CREATE, subject=name, now="absent", target=_short(wanted), note="part of the target")
    found = changes(now.spec, wanted)
    if not found and not now.stopped:
        return None
    said = ", ".join(found) or "its update was given up half-way"
    note = f"{said}; {how}: {why}" if restarts(found) or not found else said
    return Step(action=UPDATE, subject=name, now=_short(now.spec), target=_short(wanted), note=note)


def _short(spec: Mapping[str, Any]) -> str:
    image = str(spec["TaskTemplate"]["ContainerSpec"]["Image"])
    found = _swarm_service.pinned(image)
    return _plan.short(found[1]) if found else image


def _comparable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification in which the tag beside a digest, which means nothing then, is left out."""
    task = spec["TaskTemplate"]
    container = {**task["ContainerSpec"], "Image": _swarm_service.reference(task["ContainerSpec"]["Image"])}
    container["Env"] = dict(each.partition("=")[::2] for each in container.get("Env") or ())
    found: dict[str, Any] = _swarm_service.bare({**spec, "TaskTemplate": {**task, "ContainerSpec": container}})
    return found


def _different(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            yield from _different(one.get(key, _ABSENT), other.get(key, _ABSENT), (*path, key))
    elif one != other:
        yield path


def _spoken(path: tuple[str, ...]) -> str:
    told = tuple(key for key in path if key not in ("TaskTemplate", "ContainerSpec"))
    if told[0] == "Env":
        return " ".join(("environment", *told[1:]))
    return {("Image",): "image", ("Mode", "Replicated", "Replicas"): REPLICAS}.get(told, ".".join(told))
