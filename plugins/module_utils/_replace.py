# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a stack are replaced by those of a restore point, in the order that a plan says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible_collections.tiered.rollback.plugins.module_utils import _announce, _command, _cutover, _drain, _plan
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._cutover import START_FIRST, STOP_FIRST
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

_Subject = TypeVar("_Subject")
_POLL = 0.1
#: Seconds that writers get to end by themselves (document 004), unless the stack says otherwise.
_WRITERS_TIMEOUT = 30
#: A container that restarts this often while it is waited for will not get healthy by waiting longer.
_CRASHES = 3
_THREADS = 64
#: How Compose names a new container until the one it replaces is gone: by that one's short id.
_HALF_MADE = re.compile(r"[0-9a-f]{12}_")


class Replacement:
    """The way of one stack's containers to one restore point.

    :param definition: the project as rendered when the point was captured.
    :param rest_stays: whether services that no step is about must be left alone, ended jobs and all.
    """

    def __init__(
        self,
        stack: Stack,
        engine: Engine,
        compose: Compose,
        point: RestorePoint,
        definition: Mapping[str, Any],
        *,
        rest_stays: bool = False,
    ) -> None:
        self._stack = stack
        self._engine = engine
        self._compose = compose
        self._point = point
        self._definition = definition
        self._rest_stays = rest_stays
        #: What was made beforehand is to replace these, by service, with those, by id.
        self._replaced: dict[str, list[Container]] = {}
        self._made: list[str] = []

    def discard_unstarted(self, names: Collection[str]) -> None:
        """Remove what an earlier attempt made for later and never started."""
        for container in self._of(names):
            if container.unstarted:
                self._engine.remove(container.id)

    def preparable(self, plan: Plan) -> list[str]:
        """Name the writers whose new containers can be made while the old ones still work.

        What is stopped for the exchange of databases then only has to be started, as it is where no database is
        exchanged. Services that wait for one another are left to Compose, which knows in what order they start.
        """
        services = self._definition["services"]
        last = plan.subjects(STOP_FIRST)
        there = self._by_service(last)
        return [
            name
            for name in last
            if name in plan.writers
            and not set(last) & set(services[name].get("depends_on") or ())
            and _cutover.may_wait_beside(services[name])
            and there[name]
            and not any(container.writable_volumes for container in there[name])
        ]

    def prepare(self, names: Sequence[str], plan: Plan) -> None:
        """Make new containers without starting them."""
        self._replaced = self._by_service(names)
        self._compose.make_replicas({name: len(self._replaced[name]) + plan.replicas[name] for name in names})
        self._made = [container.id for container in self._of(names) if container.id not in _ids(self._replaced)]

    def stop(self, names: Collection[str]) -> None:
        """Stop services, side by side: politely, and after a while by force."""
        timeout = _WRITERS_TIMEOUT if self._stack.stop_timeout is None else self._stack.stop_timeout
        # One that crashes again and again does not run between two starts, and the engine would start it meanwhile.
        mine = [container.id for container in self._of(names) if not container.unstarted]
        _side_by_side(lambda container: self._engine.stop(container, timeout), mine)

    def replace(self, plan: Plan, hashes: Mapping[str, str], replaced: Interrupted | None) -> None:
        """Start new replicas first, so that a target that does not get healthy has stopped nothing.

        :param replaced: the files that this run, or a killed one before it, has replaced, and since when.
        """
        first = plan.subjects(START_FIRST)
        last = [name for name in plan.subjects(STOP_FIRST) if name not in self._replaced]
        self._start_prepared()
        old = {name: self._to_retire(name, hashes, replaced) for name in first}
        if first:
            self._add({name: len(old[name]) + plan.replicas[name] for name in first})
            self._wait_good(first, _ids(old))
        if last:
            self._recreate({name: plan.replicas[name] for name in last}, hashes)
        self._wait_good([*self._replaced, *last], _ids(self._replaced))
        _side_by_side(self._retire, [container for found in old.values() for container in found])
        _side_by_side(self._engine.remove, sorted(_ids(self._replaced)))
        _side_by_side(self._take_away, self._of(plan.subjects("remove_service")))

    def start_again(self, names: Collection[str]) -> None:
        """Start services whose containers were only stopped."""
        for container in self._of(names):
            if not container.running:
                self._engine.start(container.id)
        self._wait_good(names, ())

    def _start_prepared(self) -> None:
        def start(container_id: str) -> None:
            self._engine.start(container_id)
            if (started := self._engine.container(container_id)) is not None:
                _announce.announce(started)

        _side_by_side(start, self._made)

    def _recreate(self, replicas: Mapping[str, int], hashes: Mapping[str, str]) -> None:
        ours = {*replicas, *self._replaced}
        others = [c for c in self._engine.containers(self._point.project) if c.service not in ours]
        isolate = any(c.config_hash != hashes.get(c.service) for c in others)
        self._clear_half_made(replicas)
        if (resting := self._resting(replicas)) and not isolate:
            self._compose.make_replicas(replicas, resting, anew=True)
            self._compose.start_made(replicas)
        else:
            self._compose.recreate(replicas, self._stack.stop_timeout, isolate=isolate)
        for container in self._of(replicas):
            _announce.announce(container)

    def _add(self, replicas: Mapping[str, int]) -> None:
        if resting := self._resting(replicas):
            self._compose.make_replicas(replicas, resting)
            self._compose.start_made(replicas)
        else:
            self._compose.add_replicas(replicas)

    def _resting(self, names: Collection[str]) -> dict[str, int]:
        """Count the containers of the services that these depend on, where those must be left alone.

        Compose would start them, run ended jobs again, and take back how many of them there are by hand.
        """
        if not self._rest_stays:
            return {}
        services, found, more = self._definition["services"], set[str](), set(names)
        while more:
            found |= more
            more = {on for name in more & services.keys() for on in services[name].get("depends_on") or ()} - found
        return {name: len(self._of([name])) for name in sorted(found - set(names))}

    def _clear_half_made(self, names: Collection[str]) -> None:
        """Remove what a killed Compose made beside a container that is still there: its name would be in the way.

        Where the old container is gone already, the half-made one has its anonymous volumes and stays.
        """
        mine = self._of(names)
        whole = {c.service for c in mine if not _HALF_MADE.match(c.name)}
        for container in mine:
            if _HALF_MADE.match(container.name) and not container.running and container.service in whole:
                self._engine.remove(container.id)

    def _to_retire(self, name: str, hashes: Mapping[str, str], replaced: Interrupted | None) -> list[Container]:
        """Return the replicas to retire; those that a killed run already started for this point stay."""
        part, mine = self._point.services[name], self._of([name])
        for container in mine:
            if not container.running:
                self._engine.remove(container.id)
        wanted = {part.config_hash, part.rendered_hash, hashes.get(name, "")}
        stale = ""
        if replaced and _plan.reads(self._stack.project_src, self._definition, name, replaced.files):
            stale = replaced.since
        return [
            c for c in mine if c.running and not (_plan.at_target(c, part, wanted) and c.created[:23] >= stale[:23])
        ]

    def _retire(self, old: Container) -> None:
        """Take an old replica out of the proxy, wait for its last requests, stop it."""
        service = self._stack.service(old.service)
        self._command(service.attach_command, old)
        if _drain.serves(old):
            time.sleep(service.settle)
        if service.drain_command:
            self._command(service.drain_command, old)
        else:
            _drain.refuse_new_connections(old)
        _drain.wait_until_quiet(old, service.drain_timeout)
        self._take_away(old)

    def _take_away(self, old: Container) -> None:
        self._engine.stop(old.id, self._stack.stop_timeout)
        self._engine.remove(old.id)

    def _command(self, argv: Collection[str], old: Container) -> None:
        if argv:
            names = {"{container}": old.id, "{name}": old.name, "{address}": next(iter(old.addresses), "")}
            _command.run([names.get(part, part) for part in argv], cwd=self._stack.project_src)

    def _of(self, names: Collection[str]) -> list[Container]:
        if not names:
            return []
        return [c for c in self._engine.containers(self._point.project) if c.service in names]

    def _by_service(self, names: Collection[str]) -> dict[str, list[Container]]:
        found = self._of(names)
        return {name: [container for container in found if container.service == name] for name in names}

    def _wait_good(self, names: Collection[str], old: Collection[str]) -> None:
        """Wait until each service has its replicas of the target, good; fail early where waiting cannot help."""
        deadline, healthy = time.monotonic() + self._stack.health_timeout, self._point.healthy
        while names:
            new = [c for c in self._of(names) if c.id not in old]
            hopeless = [c for c in new if c.health == "unhealthy" or c.restarts >= _CRASHES]
            if (not hopeless or not healthy) and all(self._enough(new, name) for name in names):
                return
            if hopeless or time.monotonic() >= deadline:
                worst = next(iter(hopeless or [c for c in new if not c.good] or new), None)
                if not healthy and worst is not None:
                    return
                raise self._not_healthy(worst)
            time.sleep(_POLL)

    def _enough(self, containers: Collection[Container], name: str) -> bool:
        part, healthy = self._point.services[name], self._point.healthy
        mine = [c for c in containers if c.service == name and c.image_id == part.image_id]
        return sum(c.good if healthy else c.running for c in mine) >= part.replicas

    def _not_healthy(self, container: Container | None) -> RollbackError:
        if container is None:
            return RollbackError(f"no container of {self._point.version} was started", "See the engine's log.")
        tail = self._engine.log_tail(container.id)
        return RollbackError(
            f"{container.service} of {self._point.version} does not get healthy: {container.state}",
            f"Its last lines: {tail}" if tail else "It printed nothing.",
        )


def _ids(found: Mapping[str, Collection[Container]]) -> set[str]:
    return {container.id for containers in found.values() for container in containers}


def _side_by_side(act: Callable[[_Subject], object], subjects: Iterable[_Subject]) -> None:
    # All at once, whatever the number of cores: each of them mostly waits, for a proxy to follow or a process to end.
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(act, subjects))
