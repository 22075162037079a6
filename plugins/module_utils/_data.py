# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a run: copied, restored aside, exchanged all or none, and brought back.

Which database is live is told by its identity, which a rename does not change; so a step that a kill interrupted is
found done or not done, whatever the names are by then.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _writers
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database, Exchange, Swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart, RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._plan import DatabaseNow
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

#: Kind of a part whose database could not be copied.
NO_COPY = "no copy"
#: Seconds to wait for the disk before anybody is stopped.
_FLUSH = 30.0
#: What a run that returns to the state before adds to its id, so that each exchange has a name of its own.
_BACK = "-back"


class Data:
    """The databases of one stack, in one run.

    :param databases: all that the stack describes, each with the function that exchanges databases of its kind.
    :param history: returns the ledger; asked only where a run is undone.
    """

    def __init__(
        self,
        databases: Sequence[tuple[Database, Exchange]],
        store: Store,
        journal: Journal,
        history: Callable[[], Sequence[Mapping[str, Any]]],
    ) -> None:
        self._databases = {database.name: database for database, _exchange in databases}
        self._exchange = {database.name: exchange for database, exchange in databases}
        self._store = store
        self._journal = journal
        self._history = history

    def look(self, stack: Stack, now: Observed, names: Collection[str]) -> dict[str, DatabaseNow]:
        """Return what the plan needs to know of some live databases that are still to be exchanged."""
        return look({name: self._databases[name] for name in names}, stack, now, ())

    def identities(self) -> dict[str, str]:
        """Return the identity of every live database."""
        return {name: database.identity() for name, database in self._databases.items()}

    def copy(self, point_id: str) -> dict[str, DatabasePart]:
        """Copy every live database into a restore point that is about to be written."""
        return {name: self._copy(point_id, name) for name in self._databases}

    def copy_what_can_be(self, point_id: str) -> tuple[dict[str, DatabasePart], list[str]]:
        """Copy likewise, but a database that cannot be copied (a damaged one) must not stop its own rollback.

        It is put aside in any case, with every row, and an undo returns to that.

        :returns: the parts, and what was wrong with those that hold no copy.
        """
        parts: dict[str, DatabasePart] = {}
        problems = []
        for name in self._databases:
            try:
                parts[name] = self._copy(point_id, name)
            except RollbackError as error:
                shutil.rmtree(self._store.begin(point_id, name))
                parts[name] = DatabasePart(kind=NO_COPY, files={}, schema="unknown", tables={})
                problems.append(f"{name} could not be copied, only put aside: {error.message}")
        return parts, problems

    def _copy(self, point_id: str, name: str) -> DatabasePart:
        with self._journal.step(f"copy {name}"):
            return self._databases[name].capture(self._store.begin(point_id, name), self._journal.progress)

    def stage(self, point: RestorePoint) -> dict[str, str]:
        """Restore a point's databases aside, those left out that are live already; return their names by database.

        What an earlier run put aside serves as it is: it holds every row that was acknowledged before.
        """
        staged = {}
        for name in self._due(point):
            with self._journal.step(f"restore {name} aside"):
                staged[name] = self._put_aside(name, point) or self._ready(name, point)
        return staged

    def prove(self, point: RestorePoint, *, keep: bool) -> None:
        """Restore every copy of a point aside and check it.

        :param keep: leave it there, so that a rollback needs only the exchange; else it is removed.
        """
        for name in self._of(point):
            with self._journal.step(f"prove {name}"):
                if keep:
                    self._ready(name, point)
                else:
                    self._databases[name].discard(self._restore(name, point))

    def discard_half_made(self, point_id: str) -> None:
        """Remove what a killed run left half restored of a point that this one does not go to."""
        for database in self._databases.values():
            database.discard_half_made(point_id)

    def loss(self, staged: Mapping[str, str]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
        """Return per database and table what going to the staged ones loses.

        :returns: the losses, and what was wrong with databases that could not be compared: a damaged one must not stop
            its own rollback.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        problems = []
        for name, beside in staged.items():
            try:
                found[name] = [vars(table) for table in self._databases[name].loss(beside)]
            except RollbackError as error:
                problems.append(f"{name} could not be compared: {error.message}")
        return found, problems

    def settle(self, staged: Mapping[str, str]) -> None:
        """Get slow work of the servers out of the way while everybody is still in."""
        for name in staged:
            self._databases[name].settle()
        _files.flush(_FLUSH)

    def keep_out(self, staged: Mapping[str, str]) -> None:
        """Let nobody into the live databases any more."""
        for name in staged:
            self._databases[name].keep_out()

    def swap(self, point: RestorePoint, staged: Mapping[str, str]) -> None:
        """Exchange live and staged databases: all, or none.

        Databases of one group change in one step. Where there are several groups and one fails, those before it are
        taken back.
        """
        run = self._journal.run.id + (_BACK if point.id == self._journal.before else "")
        groups = [list(members) for _group, members in groupby(sorted(staged, key=self._group), key=self._group)]
        done: list[str] = []
        try:
            for members in groups:
                self._swap_group({name: staged[name] for name in members}, run)
                done += members
        except BaseException:
            for name in done:
                self._swap_group({name: self._displaced_by(name, {run}) or ""}, f"{run}{_BACK}")
            raise

    def outcome(self, point: RestorePoint) -> dict[str, dict[str, str | None]]:
        """Say of each exchanged database which one is live now and under what name the one before is kept.

        Exchanged by this run or by the killed one that it continues: judged by what was live when that one began.
        """
        runs = {step["run"] for step in self._journal.steps}
        live = {name: self._databases[name].identity() for name in self._of(point)}
        return {
            name: {"identity": identity, "displaced": self._displaced_by(name, runs)}
            for name, identity in live.items()
            if identity != self._journal.facts["identities"][name]
        }

    def let_in(self, point: RestorePoint) -> None:
        """Let everybody in again, whatever is live now; also where a killed run had closed the door."""
        for name in self._of(point):
            self._databases[name].let_in()

    def _swap_group(self, staged: Mapping[str, str], run: str) -> None:
        exchange = self._exchange[next(iter(staged))]
        exchange([Swap(database=self._databases[name], staged=beside, run=run) for name, beside in staged.items()])

    def _group(self, name: str) -> str:
        return self._databases[name].group

    def _due(self, point: RestorePoint) -> list[str]:
        """Return the databases whose live one is not the point's yet, judged by what was live when the run began."""
        back = point.id == self._journal.before
        due = []
        for name in self._of(point):
            untouched = self._databases[name].identity() == self._journal.facts["identities"][name]
            if untouched != back:
                due.append(name)
        return due

    def _of(self, point: RestorePoint) -> list[str]:
        """Return the databases of a point that this run looks after: all, or none in a tier that leaves data alone."""
        return [name for name in point.databases if name in self._databases]

    def _put_aside(self, name: str, point: RestorePoint) -> str | None:
        """Return what a run put aside when it left the state that the point describes."""
        if point.kind != "before":
            return None
        if point.id == self._journal.before:
            runs = {step["run"] for step in self._journal.steps}
        else:
            # A run that continued a killed one put aside what that one had captured.
            runs = {entry["run"] for entry in self._history() if entry.get("before") == point.id}
        return self._displaced_by(name, runs)

    def _displaced_by(self, name: str, runs: set[str]) -> str | None:
        return next((old.name for old in self._databases[name].displaced() if old.run in runs), None)

    def _ready(self, name: str, point: RestorePoint) -> str:
        """Restore a copy aside, for users to come."""
        staged = self._restore(name, point)
        self._databases[name].gather_statistics(staged)
        return staged

    def _restore(self, name: str, point: RestorePoint) -> str:
        if point.databases[name].kind == NO_COPY:
            raise RollbackError(
                f"restore point {point.id} holds no copy of {name}, and what was put aside then is gone",
                "Choose another restore point; status.yml lists them.",
            )
        directory = self._store.database(point, name)
        return self._databases[name].stage(directory, point.databases[name], point.id, self._journal.progress)


def look(
    databases: Mapping[str, Database], stack: Stack, now: Observed, history: Sequence[Mapping[str, Any]]
) -> dict[str, DatabaseNow]:
    """Look at the live databases; changes nothing.

    :param history: the ledger, which says whose data a run made live.
    """
    writers: dict[str, tuple[str, ...] | None] = {
        **{each.name: _writers.of_postgres(each, now.definition, now.containers) for each in stack.postgres},
        **{each.name: _writers.of_sqlite(each, now.definition) for each in stack.sqlite},
    }
    return {
        name: DatabaseNow(
            schema=_schema(database),
            size=database.size(),
            restored=_restored(name, database.identity(), history),
            writers=writers[name],
        )
        for name, database in databases.items()
    }


def _schema(database: Database) -> str:
    try:
        return database.schema()
    except RollbackError:
        # A damaged database is a reason for its rollback, not an obstacle; what is wrong otherwise shows elsewhere.
        return "unreadable"


def _restored(name: str, identity: str, history: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the restore point that the newest run brought a database back to, if that one is live still."""
    runs = [entry for entry in history if name in entry.get("databases", {})]
    if runs and runs[-1]["databases"][name]["identity"] == identity:
        return str(runs[-1]["target"])
    return None
