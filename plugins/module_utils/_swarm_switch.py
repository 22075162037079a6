# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a swarm runs to a restore point, in one call: one group of services after the other, each until it is well.

Nothing here decides anything: the order and the subjects come from :func:`_swarm_plan.plan`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _checks, _swarm_plan
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Plan, Step
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store
from ansible_collections.tiered.rollback.plugins.module_utils._swarm import Swarm
from ansible_collections.tiered.rollback.plugins.module_utils._swarm_service import Seen, Service

#: The step that changes anything.
_UPDATE = "services"
_POLL = 0.25
_THREADS = 16


class SwarmSwitch:
    """Moves one stack of a swarm to a restore point.

    :param journal: records every step; its facts name the order and the services that may be touched.
    :param wanted: what must hold at the target beside the stack's own checks.
    """

    def __init__(
        self, stack: Stack, swarm: Swarm, store: Store, journal: Journal, wanted: Sequence[Check] = ()
    ) -> None:
        self._stack = stack
        self._swarm = swarm
        self._store = store
        self._journal = journal
        self._wanted = wanted
        self._scope: Collection[str] | None = journal.facts.get("scope")
        self._needed_first: bool = journal.facts["needed_first"]

    @property
    def touched(self) -> bool:
        """Whether this run, or a killed one that it continues, has begun to change what runs."""
        return any(step["name"] == _UPDATE for step in self._journal.steps)

    def to(self, point: RestorePoint) -> list[dict[str, Any]]:
        """Bring the stack to a point, and return the results of the checks there.

        A second call is the way back of the first, and takes the services in the opposite order.

        :raises RollbackError: when a service does not get well; those after it were not touched then.
        """
        needed_first, self._needed_first = self._needed_first, not self._needed_first
        definition = self._store.definition(point)
        plan = _swarm_plan.plan(
            self._stack,
            self._swarm.look(point.project),
            point.id,
            definition,
            needed_first=needed_first,
            scope=self._scope,
        )
        steps = {step.subject: step for step in plan.steps}
        for wave in _swarm_plan.waves(self._stack, steps, needed_first=needed_first):
            with self._journal.step(_UPDATE, services=[*wave]), ThreadPoolExecutor(max_workers=_THREADS) as pool:
                # Each of them mostly waits. All have come to an end before the first failure is told.
                list(pool.map(lambda name: self._apply(steps[name], point, definition), wave))
        with self._journal.step("checks"):
            return self._verify(point)

    def _apply(self, step: Step, point: RestorePoint, definition: Mapping[str, Any]) -> None:
        name = step.subject
        now = next((each for each in self._swarm.look(point.project).services if each.name == name), None)
        if now:
            self._refuse_uncaptured(now)
        if step.action == _swarm_plan.REMOVE:
            if now:
                self._swarm.remove_service(now.id)
            return
        wanted = definition["services"][name]
        if now is None:
            self._wait(point, name, self._swarm.create(wanted))
            return
        if _swarm_plan.restarts(_swarm_plan.changes(now.spec, wanted)) or now.stopped:
            self._swarm.update(now.id, _swarm_plan.updated(self._stack, name, wanted, healthy=point.healthy))
            self._wait(point, name, now.id)
        # How the user has it updated is no part of what runs, and comes back once that is well.
        self._swarm.update(now.id, wanted)

    def _refuse_uncaptured(self, now: Service) -> None:
        """Refuse to replace what no restore point holds: somebody deployed it since this run began."""
        for point in self._store.points():
            spec = self._store.definition(point)["services"].get(now.name)
            if spec is not None and not _swarm_plan.replaces(_swarm_plan.changes(now.spec, spec)):
                return
        raise RollbackError(
            f"service {now.name} was changed by somebody else since this run began",
            "Run the command again; what runs is then captured first.",
        )

    def _wait(self, point: RestorePoint, name: str, service_id: str) -> None:
        """Wait until a service is well; of a state that was not, only until its update has come to an end.

        The time begins anew with every replica that gets ready, so that many of them need not share it.
        """
        ready, deadline = 0, time.monotonic() + self._stack.health_timeout
        while True:
            service = self._swarm.service(point.project, service_id)
            if service is None:
                raise RollbackError(f"service {name} is gone", "Somebody has removed it; run the same command again.")
            problem = service.problem
            if not problem:
                return
            if service.ready > ready:
                ready, deadline = service.ready, time.monotonic() + self._stack.health_timeout
            if service.stopped or time.monotonic() > deadline:
                if not point.healthy:
                    return
                raise RollbackError(
                    f"service {name} does not get well: {problem}",
                    f"Look at 'docker service ps --no-trunc {service.spec['Name']}' and the service's logs.",
                )
            time.sleep(_POLL)

    def _verify(self, point: RestorePoint) -> list[dict[str, Any]]:
        checks = [*self._stack.checks, *(self._wanted if point.id == self._journal.target else ())]
        seen = self._journal.facts.get("checks_before", ())
        needed, rest = _checks.parted(checks, self._stack, self._scope, self._wanted, seen)
        results = _checks.wait(needed, self._stack.health_timeout) if point.healthy else _checks.run(needed)
        found = [*results, *self._shape(self._swarm.look(point.project), point)]
        if point.healthy and not all(result.ok for result in found):
            raise RollbackError(
                "the stack is not what was asked for: " + _checks.describe_failures(found),
                "Look at 'docker stack ps' and the services' logs.",
            )
        return [result.to_dict() for result in [*found, *_checks.run(rest)]]

    def _shape(self, now: Seen, point: RestorePoint) -> list[_checks.Result]:
        """Compare every service that may have been touched with the point: there, as specified, and well."""
        plan = self._left(now, point)
        named = {step.subject: str(step) for step in plan.steps}
        services = {service.name: service for service in now.services}
        results = []
        for name in sorted(point.services if self._scope is None else self._scope):
            found = services.get(name)
            problem = named.pop(name, "") or (found.problem if found else "")
            results.append(_checks.Result(name=f"service {name}", ok=not problem, found=problem or "as captured"))
        if self._scope is None:
            extra = ", ".join(sorted(named))
            results.append(_checks.Result(name="nothing left over", ok=not extra, found=extra or "none"))
        return results

    def _left(self, now: Seen, point: RestorePoint) -> Plan:
        definition = self._store.definition(point)
        return _swarm_plan.plan(self._stack, now, point.id, definition, needed_first=True, scope=self._scope)
