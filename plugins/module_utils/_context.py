# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of this collection begins with: its options, its clients, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _api,
    _databases,
    _drill,
    _files,
    _journal,
    _lock,
    _partial,
    _run,
    _stack,
)
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._partial import Request
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._data import Exchange
    from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
    from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
    from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp
    from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
    from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase
    from ansible_collections.tiered.rollback.plugins.module_utils._swarm import Swarm

STATE_DIR = "/var/lib/tiered-rollback"

#: Options of every module that works on a stack; documented in the ``stack`` fragment.
STACK_OPTIONS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict", "required": True},
    "state_dir": {"type": "path", "default": STATE_DIR},
}
#: Options of every module that is a part of a run; documented in the ``run`` fragment.
RUN_OPTIONS: dict[str, dict[str, Any]] = {**STACK_OPTIONS, "run": {"type": "dict", "required": True}}

#: Option of the modules that work on one PostgreSQL database; documented in the ``postgres`` fragment.
POSTGRES_OPTIONS: dict[str, dict[str, Any]] = {
    "postgres": {"type": "dict", "required": True, "options": _databases.POSTGRES_SPEC}
}
#: Option of the modules that ask a snapshot API; documented in the ``mcp`` fragment.
MCP_OPTIONS: dict[str, dict[str, Any]] = {"mcp": {"type": "dict", "required": True, "options": _api.MCP_SPEC}}
#: Option of the modules that ask GitHub; documented in the ``github`` fragment.
GITHUB_OPTIONS: dict[str, dict[str, Any]] = {"github": {"type": "dict", "required": True, "options": _api.GITHUB_SPEC}}
#: Options of the modules that work on one SQLite database; documented in the ``sqlite`` fragment.
SQLITE_OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "service": {"type": "str"},
    "project": {"type": "str"},
}
_UNSHOWN = ("stack", "mcp", "github", "checks")
SQLITE_TOGETHER = [("service", "project")]


@dataclass
class Context:
    """A module's stack and the clients to work on it, made when first used."""

    module: AnsibleModule
    #: The event that the run answers, where no person started it.
    event: dict[str, str] | None = None
    #: Whether the module can work on a stack of a swarm.
    swarms: bool = False
    #: Whether the module is one of a drill's own, which begin at the stack that is copied and change only the copy.
    drills: bool = False

    @cached_property
    def stack(self) -> Stack:
        """The stack, parsed and checked; its secrets are masked in whatever the module returns."""
        stack = _stack.parse(self.module.params["stack"])
        self.module.no_log_values.update(stack.secrets)
        if stack.engine == _stack.SWARM and not self.swarms:
            raise RollbackError(
                f"{self.module._name} is not for engine swarm yet; nothing was touched",
                "What works for a stack of a swarm is in docs/swarm.md.",
            )
        if not self.drills:
            servers = [(each.container, each.host) for each in stack.postgres]
            _drill.refuse_production(self.module.params.get("run"), stack.name, stack.project_name, servers)
        return stack

    @cached_property
    def state(self) -> Path:
        """The stack's state directory."""
        top = Path(self.module.params["state_dir"])
        for directory in (top, top / self.stack.name):
            _files.refuse_open(directory)
        return top / self.stack.name

    def journal(self, name: str, kind: str, tier: int, target: str, **known: Any) -> Journal:
        """Return the journal of this run, not written yet; what it quotes is without the stack's secrets.

        :param name: of its file: ``_journal.NAME`` for a run that can be continued, else what only people follow.
        """
        secrets = self.stack.secrets | self.module.no_log_values
        return Journal(
            path=self.state / name, run=self.run, kind=kind, tier=tier, target=target, secrets=secrets, **known
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Own the stack while the block runs, for a module that leaves nothing of it to another."""
        with _lock.held(self.state, self.run, self.module.params["lock_wait"]):
            try:
                yield
            finally:
                _files.remove(self.state / _journal.ACTIVITY)
                self.tell_metrics()
                _lock.release(self.state, self.run)

    def tell_metrics(self) -> None:
        """Write the metrics anew; to be called by who holds the stack, when ledger or restore points have changed."""
        from ansible_collections.tiered.rollback.plugins.module_utils import _metrics_file

        _metrics_file.write(self.state, self.store, self.stack.name, self.stack.metrics, self.module.warn)

    @cached_property
    def stack_mcp(self) -> Mcp | None:
        """The snapshot API that the stack describes; None where it describes none, or is asked to leave it alone."""
        from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp

        found = self.stack.mcp
        if found is None or not self.module.params.get("mcp", True):
            return None
        return Mcp(found.url, found.token, found.timeout)

    @cached_property
    def request(self) -> Request:
        """The part of the stack that is asked for."""
        params = self.module.params
        return _partial.parse(
            params["components"],
            params["flags"],
            params["config"],
            params["keep"],
            snapshot=params["snapshot"],
            levels=params["levels"],
        )

    @cached_property
    def store(self) -> Store:
        """The stack's restore points."""
        return Store(self.state, self.stack.engine)

    @cached_property
    def engine(self) -> Engine:
        """The engine; connecting raises when it does not answer."""
        # The SDK takes a quarter of a second to import, which a module that needs no engine saves.
        from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine

        return Engine()

    @cached_property
    def swarm(self) -> Swarm:
        """The swarm that the engine manages; connecting raises when it manages none."""
        from ansible_collections.tiered.rollback.plugins.module_utils._swarm import Swarm

        return Swarm()

    @cached_property
    def compose(self) -> Compose:
        """The Compose command line for this stack."""
        return Compose(self.stack)

    def databases(self, project: str) -> list[tuple[Database, Exchange]]:
        """The stack's databases, each with the function that exchanges databases of its kind.

        :param project: the Compose project's name.
        """
        return databases_of(self.stack, self.engine, project) if self.stack.database_names else []

    @cached_property
    def postgres(self) -> PostgresDatabase:
        """The PostgreSQL database that a module without a stack was given."""
        from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase

        description = _databases.parse_postgres(self.module.params["postgres"], "postgres")
        return PostgresDatabase(description, self.engine if description.container else None)

    @cached_property
    def sqlite(self) -> SqliteDatabase:
        """The SQLite database that a module without a stack was given."""
        from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase

        params = self.module.params
        given = {"path": params["path"], "service": params["service"]}
        description = _databases.parse_sqlite(
            {"name": None, "schema_version": None, "writers": None, **given}, "the module"
        )
        return SqliteDatabase(description, self.engine if description.service else None, params["project"] or "")

    @cached_property
    def mcp(self) -> Mcp:
        """The snapshot API that a module without a stack was given."""
        from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp

        api = _api.parse_mcp(self.module.params["mcp"], "mcp")
        return Mcp(api.url, api.token, api.timeout)

    @cached_property
    def github(self) -> GitHub:
        """The repository that a module was given."""
        from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub

        return GitHub(_api.parse_github(self.module.params["github"], "github"))

    @cached_property
    def run(self) -> Run:
        """The run this module is a part of."""
        try:
            return _run.from_dict(self.module.params["run"])
        except (TypeError, ValueError) as error:
            raise RollbackError(
                f"run is malformed: {error}",
                "Register what tiered.rollback.launch returns as rollback_launch, and pass rollback_launch.run.",
            ) from error


def databases_of(stack: Stack, engine: Engine, project: str) -> list[tuple[Database, Exchange]]:
    """Return a stack's databases, those of PostgreSQL first; see :meth:`Context.databases`."""
    found: list[tuple[Database, Exchange]] = []
    # A stack without databases needs neither driver, and an emergency not the time to import them.
    if stack.postgres:
        from ansible_collections.tiered.rollback.plugins.module_utils import _postgres

        found += [(_postgres.PostgresDatabase(each, engine), _postgres.swap) for each in stack.postgres]
    if stack.sqlite:
        from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite

        found += [(_sqlite.SqliteDatabase(each, engine, project), _sqlite.swap) for each in stack.sqlite]
    return found


def acted(actions: Sequence[str]) -> dict[str, Any]:
    """Return what of a module's answer follows from its actions alone, done or foretold."""
    lines = "".join(f"{action}\n" for action in actions)
    return {"changed": bool(actions), "actions": list(actions), "diff": {"before": "", "after": lines}}


class Module(AnsibleModule):
    """Ansible's module, but one that shows nothing of what it was given when that is refused.

    A secret under a key that is misspelt is one that no specification knows to hide.
    """

    def fail_json(self, msg: str, **facts: Any) -> None:
        """Fail, showing of the invocation what *facts* say of it."""
        super().fail_json(msg, **{"invocation": {}, **facts})


def main(
    act: Callable[[Context], dict[str, Any]],
    options: dict[str, Any],
    *,
    drills: bool = False,
    swarms: bool = False,
    **module_options: Any,
) -> None:
    """Run a module: *act* returns what is exited with, or raises what is failed with.

    :param drills: whether it is one of a drill's own.
    :param swarms: whether it can work on a stack of a swarm.
    """
    # The stack may hold tokens for checks: no_log keeps the options out of the target's system log, and the stack is
    # left out of the invocation that -vvv shows. So are checks, and mcp and github, whose URLs may hold a password that
    # is refused only later.
    module = Module(argument_spec=options, supports_check_mode=True, no_log=True, **module_options)
    shown = {"module_args": {name: value for name, value in module.params.items() if name not in _UNSHOWN}}
    try:
        result = act(Context(module, drills=drills, swarms=swarms))
    except RollbackError as error:
        module.fail_json(msg=str(error), hint=error.hint, invocation=shown, **error.facts)
    except OSError as error:
        hint = _os_hint(error)
        message = f"{error.strerror or error}: {error.filename or ''}"
        module.fail_json(msg=f"{message}\nHINT: {hint}", hint=hint, invocation=shown)
    else:
        module.exit_json(**result, invocation=shown)


def _os_hint(error: OSError) -> str:
    known = {
        28: "The file system is full; free space, then run the command again.",
        13: "Run as a user that may write there (become: true).",
        30: "The file system is read-only; remount it or choose another state_dir.",
    }
    return known.get(error.errno or 0, "The operating system refused; the path says where.")
