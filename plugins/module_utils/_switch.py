# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what runs to a restore point, in one call: files, tags, containers, health; and back again if it fails.

Nothing here decides anything: the order and the subjects come from :func:`_plan.plan`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import (
    _checks,
    _env_file,
    _files,
    _flag_api,
    _mcp_part,
    _plan,
)
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._further import Further
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp
from ansible_collections.tiered.rollback.plugins.module_utils._observe import (
    Observed,
    file_part,
    observe,
    recall,
    refresh,
)
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan
from ansible_collections.tiered.rollback.plugins.module_utils._replace import Replacement
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Check, Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

#: The step that changes anything first.
_FIRST = "configuration"
#: The step that makes containers which are started only after the exchange of databases.
_MAKE = "make containers"


class Switch:
    """Moves one stack to a restore point.

    :param journal: records every step.
    :param data: the databases that go with it; none in a tier that leaves data alone.
    :param wanted: what must hold at the target beside the stack's own checks.
    :param mcp: the service that keeps the MCP container's data; None: it stays as it is.
    :param further: checks of other kinds that must hold at the target; None: there are none.
    """

    def __init__(
        self,
        stack: Stack,
        engine: Engine,
        compose: Compose,
        store: Store,
        journal: Journal,
        data: Data,
        wanted: Sequence[Check] = (),
        mcp: Mcp | None = None,
        further: Further | None = None,
    ) -> None:
        self._stack = stack
        self._engine = engine
        self._compose = compose
        self._store = store
        self._journal = journal
        self._data = data
        self._wanted = wanted
        self._mcp = mcp
        self._further = further
        self._scope: Collection[str] | None = journal.facts.get("scope")
        self._root = Path(stack.project_src)

    @property
    def touched(self) -> bool:
        """Whether this run, or a killed one that it continues, has begun to change what runs."""
        return any(step["name"] == _FIRST for step in self._journal.steps)

    def plan(self, point: RestorePoint, staged: Collection[str] = ()) -> tuple[Observed, Plan]:
        """Look at the stack and compute the plan to a point.

        :param staged: databases that are still to be exchanged.
        """
        now = self._recall() or observe(self._stack, self._engine, self._compose, also=point.files)
        now = replace(now, flags=_flag_api.read(self._stack, point.flags))
        interrupted = Interrupted.after(self._journal.steps, self._journal.began)
        databases = self._data.look(self._stack, now, staged)
        definition, to = self._store.definition(point), replace(point, mcp=self._snapshot_of(point))
        return now, _plan.plan(self._stack, now, to, definition, interrupted, databases, self._scope)

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
        definition = self._store.definition(point)
        replacement = Replacement(
            self._stack, self._engine, self._compose, point, definition, rest_stays=self._scope is not None
        )
        replacement.discard_unstarted(self._made_for_later())
        staged = self._data.stage(point)
        now, plan = self.plan(point, staged)
        with self._journal.step(_FIRST, files=plan.files):
            self._write_files(plan, point)
        with self._journal.step("images"):
            wanted = {_plan.tagged(part.image): part.image_id for part in point.services.values()}
            for name in plan.subjects("move_tag"):
                self._engine.tag(wanted[name], name)
            # From the files as they are now: an invalid one is found before anything is stopped.
            hashes = self._hashes(now) if plan.changes_files else dict(now.hashes)
        self._exchange_databases(plan, point, staged, replacement)
        data_first = bool(self._stack.mcp and self._stack.mcp.services)
        if data_first:
            self._exchange_mcp_data(plan, point, replacement)
        with self._journal.step("containers", services=[*sorted(plan.replicas), *plan.subjects("restart")]):
            # With the files that were written a moment ago: Compose's hash does not tell who reads them.
            replacement.replace(plan, hashes, Interrupted.after(self._journal.steps, self._journal.began))
            replacement.start_again(plan.subjects("restart"))
        if flags := plan.subjects("set_flag"):
            with self._journal.step("flags", flags=[*flags]):
                for name in flags:
                    _flag_api.write(self._stack.flag(name), point.flags[name])
        if not data_first:
            # Who is to be asked may be among what was replaced.
            self._exchange_mcp_data(plan, point, replacement)
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
        _files.write(path, _env_file.assigned(_files.read(path), name, value), part.mode, (part.uid, part.gid))

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

    def _made_for_later(self) -> set[str]:
        """Return the services that a failed or killed attempt may have left containers of that were never started."""
        return {name for step in self._journal.steps if step["name"] == _MAKE for name in step["services"]}

    def _exchange_databases(
        self, plan: Plan, point: RestorePoint, staged: Mapping[str, str], replacement: Replacement
    ) -> None:
        """Stop who writes, exchange all databases or none, and let everybody in again."""
        if staged:
            if point.id != self._journal.before:
                with self._journal.step("compare"):
                    loss, problems = self._data.loss(staged)
                    self._journal.facts |= {"loss": loss, "not_compared": problems}
                with self._journal.step("settle", databases=sorted(staged)):
                    self._data.settle(staged)
            if ahead := replacement.preparable(plan):
                with self._journal.step(_MAKE, services=ahead):
                    replacement.prepare(ahead, plan)
            with self._journal.step("stop writers", services=list(plan.writers)):
                replacement.stop(plan.writers)
            with self._journal.step("exchange", databases=sorted(staged)):
                self._data.keep_out(staged)
                self._data.swap(point, staged)
        self._data.let_in(point)

    def _snapshot_of(self, point: RestorePoint) -> str | None:
        """Return the snapshot that belongs to a point; of the state before also one that the service took by itself."""
        if self._mcp is None:
            return None
        replaced = self._journal.facts.get("mcp", {}).get("before")
        return point.mcp or (replaced if point.id == self._journal.before else None)

    def _exchange_mcp_data(self, plan: Plan, point: RestorePoint, replacement: Replacement) -> None:
        """Bring the MCP container's data back while nobody works with it; who did is started again with the rest."""
        snapshot, described = self._snapshot_of(point), self._stack.mcp
        if self._mcp is None or snapshot is None or described is None or not plan.subjects("restore_snapshot"):
            return
        with self._journal.step("mcp data", services=[*described.services]):
            replacement.stop(described.services)
            self._journal.facts["mcp"] = _mcp_part.restore(self._mcp, snapshot)

    def _verify(self, before: Observed, point: RestorePoint) -> list[dict[str, Any]]:
        checks = [*self._stack.checks, *(self._wanted if point.id == self._journal.target else ())]
        needed, rest = _checks.parted(
            checks, self._stack, self._scope, self._wanted, self._journal.facts.get("checks_before", ())
        )
        deadline = time.monotonic() + self._stack.health_timeout
        results = _checks.wait(needed, self._stack.health_timeout) if point.healthy else _checks.run(needed)
        now = refresh(replace(before, definition=self._store.definition(point)), self._engine)
        found = [*results, *self._shape(before, now, point)]
        if all(result.ok for result in found):
            found += self._look_further(now, point, deadline)
        if point.healthy and not all(result.ok for result in found):
            raise RollbackError(
                "the stack is not what was asked for: " + _checks.describe_failures(found),
                "Look at 'docker compose ps' and the services' logs.",
            )
        return [result.to_dict() for result in [*found, *_checks.run(rest)]]

    def _look_further(self, now: Observed, point: RestorePoint, deadline: float) -> list[_checks.Result]:
        """Run the checks of other kinds; a state before is only to be what it was, and they may be why it was left."""
        if self._further is None or point.kind == "before" or point.id != self._journal.target:
            return []
        return self._further.wait(now, deadline, self._scope, mcp="mcp" in self._journal.facts)

    def _shape(self, before: Observed, now: Observed, point: RestorePoint) -> list[_checks.Result]:
        there = [container.id for container in before.containers]
        parts = {name: part for name, part in point.services.items() if self._scope is None or name in self._scope}
        found = _checks.containers(now, replace(point, services=parts))
        if self._scope is not None:
            return [*found, *_checks.untouched(before, now, self._scope)]
        replicas = {name: part.replicas for name, part in parts.items()}
        return [*found, _checks.leftovers(now, replicas, self._engine, there)]
