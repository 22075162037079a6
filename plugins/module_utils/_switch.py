# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what runs to a restore point, in one call: files, tags, containers, health; and back again if it fails.

Nothing here decides anything: the order and the subjects come from :func:`_plan.plan`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _announce,
    _checks,
    _command,
    _drain,
    _env_file,
    _files,
    _plan,
)
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._cutover import START_FIRST, STOP_FIRST
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import (
    Observed,
    file_part,
    observe,
    recall,
    refresh,
)
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

_POLL = 0.1
#: Seconds that writers get to end by themselves (document 004), unless the stack says otherwise.
_WRITERS_TIMEOUT = 30
#: A container that restarts this often while it is waited for will not get healthy by waiting longer.
_CRASHES = 3
#: How Compose names a new container until the one it replaces is gone: by that one's short id.
_HALF_MADE = re.compile(r"[0-9a-f]{12}_")


class Switch:
    """Moves one stack to a restore point.

    :param journal: records every step.
    :param data: the databases that go with it; none in a tier that leaves data alone.
    """

    def __init__(
        self, stack: Stack, engine: Engine, compose: Compose, store: Store, journal: Journal, data: Data
    ) -> None:
        self._stack = stack
        self._engine = engine
        self._compose = compose
        self._store = store
        self._journal = journal
        self._data = data
        self._root = Path(stack.project_src)

    def plan(self, point: RestorePoint, staged: Collection[str] = ()) -> tuple[Observed, Plan]:
        """Look at the stack and compute the plan to a point.

        :param staged: databases that are still to be exchanged.
        """
        now = self._recall() or observe(self._stack, self._engine, self._compose)
        interrupted = interruption(self._journal)
        databases = self._data.look(self._stack, now, staged)
        return now, _plan.plan(self._stack, now, point, self._store.definition(point), interrupted, databases)

    def _recall(self) -> Observed | None:
        """Reuse what this very run rendered when it captured the state before, if no file changed since."""
        if self._journal.before != f"before-{self._journal.run.id}":
            return None
        before = self._store.load(self._journal.before)
        hashes = {name: part.rendered_hash for name, part in before.services.items()}
        return recall(self._stack, self._engine, self._store.definition(before), hashes, before)

    def to(self, point: RestorePoint) -> list[dict[str, Any]]:
        """Bring the stack to a point, and return the results of the checks there.

        A point that was captured unhealthy (the broken state before a rollback) only has to be as it was captured.

        :raises RollbackError: when a step fails or the point does not get healthy; the caller decides what then.
        """
        staged = self._data.stage(point)
        now, plan = self.plan(point, staged)
        with self._journal.step("configuration", files=plan.files):
            self._write_files(plan, point)
        with self._journal.step("images"):
            wanted = {_plan.tagged(part.image): part.image_id for part in point.services.values()}
            for name in plan.subjects("move_tag"):
                self._engine.tag(wanted[name], name)
            # From the files as they are now: an invalid one is found before anything is stopped.
            hashes = self._hashes(now) if plan.changes_files else dict(now.hashes)
        self._exchange_databases(plan, point, staged)
        with self._journal.step("containers", services=[*sorted(plan.replicas), *plan.subjects("restart")]):
            self._replace_containers(plan, point, hashes)
            self._start_again(plan.subjects("restart"), point)
        with self._journal.step("checks"):
            # Not right after the exchange: the users are still waiting there.
            self._journal.facts["databases"] = self._data.outcome(point)
            return self._verify(now, point)

    def _hashes(self, now: Observed) -> dict[str, str]:
        """Return Compose's hashes of the services that the files just written leave as they were.

        Those of the others would cost another call, and nobody needs them: their containers are replaced anyway.
        """
        rendered, known = self._compose.render()["services"], now.definition["services"]
        return {name: value for name, value in now.hashes.items() if rendered.get(name) == known[name]}

    def _write_files(self, plan: Plan, point: RestorePoint) -> None:
        paths = plan.files
        self._refuse_uncaptured(paths)
        for path in (*point.files, self._stack.variable_file):
            _files.discard_unfinished(self._root / path)
        checkout = Checkout(self._stack.project_src)
        from_git = plan.source == "git" and point.git is not None
        if from_git and paths:
            checkout.keep_local_changes(self._journal.run.id)
        for path in plan.subjects("write_file"):
            data, part = self._store.content(point, path), point.files[path]
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            _files.write(self._root / path, data or b"", part.mode, (part.uid, part.gid))
        for path in plan.subjects("remove_file"):
            _files.remove(self._root / path)
        for name in plan.subjects("set_variable"):
            self._set_variable(name, point.variables[name])
        if from_git and point.git is not None and checkout.has(point.git.commit):
            checkout.stage_version(point.git.commit, checkout.tracked(paths))

    def _set_variable(self, name: str, value: str) -> None:
        path = self._root / self._stack.variable_file
        part = file_part(path)
        # Bytes that are no UTF-8 go through unchanged.
        text = _env_file.set_variable((_files.read(path) or b"").decode(errors="surrogateescape"), name, value)
        _files.write(path, text.encode(errors="surrogateescape"), part.mode, (part.uid, part.gid))

    def _refuse_uncaptured(self, paths: Collection[str]) -> None:
        """Refuse to replace contents that no restore point holds: somebody wrote them since this run began."""
        points = list(self._store.points())
        for path in paths:
            current = file_part(self._root / path).sha256
            captured = {point.files[path].sha256 for point in points if path in point.files}
            if current is not None and current not in captured:
                raise RollbackError(
                    f"{path} was changed by somebody else since this run began",
                    "Run the command again; the new contents are then captured first.",
                )

    def _exchange_databases(self, plan: Plan, point: RestorePoint, staged: Mapping[str, str]) -> None:
        """Stop who writes, exchange all databases or none, and let everybody in again."""
        if staged:
            if point.id != self._journal.before:
                with self._journal.step("compare"):
                    loss, problems = self._data.loss(staged)
                    self._journal.facts |= {"loss": loss, "not_compared": problems}
            with self._journal.step("stop writers", services=list(plan.writers)):
                self._stop(plan.writers, point.project)
            with self._journal.step("exchange", databases=sorted(staged)):
                self._data.keep_out(staged)
                self._data.swap(point, staged)
        self._data.let_in(point)

    def _stop(self, names: Collection[str], project: str) -> None:
        timeout = _WRITERS_TIMEOUT if self._stack.stop_timeout is None else self._stack.stop_timeout
        mine = [c.id for c in self._engine.containers(project) if c.service in names and c.running]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda container: self._engine.stop(container, timeout), mine))

    def _start_again(self, names: Collection[str], point: RestorePoint) -> None:
        if not names:
            return
        for container in self._engine.containers(point.project):
            if container.service in names and not container.running:
                self._engine.start(container.id)
        self._wait_good(names, point, set())

    def _replace_containers(self, plan: Plan, point: RestorePoint, hashes: dict[str, str]) -> None:
        """Start new replicas first, so that a target that does not get healthy has stopped nothing."""
        first, last = plan.subjects(START_FIRST), plan.subjects(STOP_FIRST)
        old = {name: self._prepare(name, point, hashes) for name in first}
        if first:
            self._compose.add_replicas({name: len(old[name]) + plan.replicas[name] for name in first})
            self._wait_good(first, point, {c.id for found in old.values() for c in found})
        if last:
            others = [c for c in self._engine.containers(point.project) if c.service not in last]
            isolate = any(c.config_hash != hashes.get(c.service) for c in others)
            counts = {name: plan.replicas[name] for name in last}
            self._clear_half_made(last, point.project)
            self._compose.recreate(counts, self._stack.stop_timeout, isolate=isolate)
            for container in self._engine.containers(point.project):
                if container.service in last:
                    _announce.announce(container)
            self._wait_good(last, point, set())
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._retire, [container for found in old.values() for container in found]))
        if gone := plan.subjects("remove_service"):
            self._remove_services(gone, point.project)

    def _clear_half_made(self, names: Collection[str], project: str) -> None:
        """Remove what a killed Compose made beside a container that is still there: its name would be in the way.

        Where the old container is gone already, the half-made one has its anonymous volumes and stays.
        """
        mine = [c for c in self._engine.containers(project) if c.service in names]
        whole = {c.service for c in mine if not _HALF_MADE.match(c.name)}
        for container in mine:
            if _HALF_MADE.match(container.name) and not container.running and container.service in whole:
                self._engine.remove(container.id)

    def _prepare(self, name: str, point: RestorePoint, hashes: dict[str, str]) -> list[Container]:
        """Return the replicas to retire; those that a killed run already started for this point stay."""
        part = point.services[name]
        mine = [c for c in self._engine.containers(point.project) if c.service == name]
        for container in mine:
            if not container.running:
                self._engine.remove(container.id)
        wanted = {part.config_hash, part.rendered_hash, hashes.get(name, "")}
        replaced = interruption(self._journal)
        definition = self._store.definition(point)
        reads = replaced and _plan.reads(self._stack.project_src, definition, name, replaced.files)
        stale = self._journal.began if reads else ""
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
        self._engine.stop(old.id, self._stack.stop_timeout)
        self._engine.remove(old.id)

    def _command(self, argv: Collection[str], old: Container) -> None:
        if argv:
            names = {"{container}": old.id, "{name}": old.name, "{address}": next(iter(old.addresses), "")}
            _command.run([names.get(part, part) for part in argv], cwd=str(self._root))

    def _remove_services(self, names: Collection[str], project: str) -> None:
        for container in self._engine.containers(project):
            if container.service in names:
                self._engine.stop(container.id, self._stack.stop_timeout)
                self._engine.remove(container.id)

    def _wait_good(self, names: Collection[str], point: RestorePoint, old: Collection[str]) -> None:
        """Wait until each service has its replicas of the target, good; fail early where waiting cannot help."""
        deadline = time.monotonic() + self._stack.health_timeout
        while True:
            new = [c for c in self._engine.containers(point.project) if c.service in names and c.id not in old]
            hopeless = [c for c in new if c.health == "unhealthy" or c.restarts >= _CRASHES]
            if (not hopeless or not point.healthy) and all(_enough(new, name, point) for name in names):
                return
            if hopeless or time.monotonic() >= deadline:
                worst = next(iter(hopeless or [c for c in new if not c.good] or new), None)
                if not point.healthy and worst is not None:
                    return
                raise self._not_healthy(worst, point)
            time.sleep(_POLL)

    def _not_healthy(self, container: Container | None, point: RestorePoint) -> RollbackError:
        if container is None:
            return RollbackError(f"no container of {point.version} was started", "See the engine's log.")
        tail = self._engine.log_tail(container.id)
        return RollbackError(
            f"{container.service} of {point.version} does not get healthy: {container.state}",
            f"Its last lines: {tail}" if tail else "It printed nothing.",
        )

    def _verify(self, before: Observed, point: RestorePoint) -> list[dict[str, Any]]:
        checks = self._stack.checks
        results = _checks.wait(checks, self._stack.health_timeout) if point.healthy else _checks.run(checks)
        now = refresh(replace(before, definition=self._store.definition(point)), self._engine)
        replicas = {name: part.replicas for name, part in point.services.items()}
        there = [container.id for container in before.containers]
        shape = [*_checks.containers(now, point), _checks.leftovers(now, replicas, self._engine, there)]
        found = [*results, *shape]
        if point.healthy and not all(result.ok for result in found):
            raise RollbackError(
                "the stack is not what was asked for: " + _checks.describe_failures(found),
                "Look at 'docker compose ps' and the services' logs.",
            )
        return [result.to_dict() for result in found]


def interruption(journal: Journal | None) -> Interrupted | None:
    """Return what earlier, unfinished steps of a journal replaced."""
    files = {path for step in (journal.steps if journal else ()) for path in step.get("files", ())}
    return Interrupted(files=frozenset(files), since=journal.began) if journal and files else None


def _enough(containers: Collection[Container], name: str, point: RestorePoint) -> bool:
    part = point.services[name]
    good = [
        c
        for c in containers
        if c.service == name and (c.good if point.healthy else c.running) and c.image_id == part.image_id
    ]
    return len(good) >= part.replicas
