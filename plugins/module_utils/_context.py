# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module that works on a stack begins with: the stack, its state, its run, and the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _files, _module, _run, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack
from ansible_collections.tiered.rollback.plugins.module_utils._store import Store

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
    from ansible_collections.tiered.rollback.plugins.module_utils._swarm import Swarm

STATE_DIR = "/var/lib/tiered-rollback"

#: Options of every module that works on a stack; documented in the ``stack`` fragment.
STACK_OPTIONS: dict[str, dict[str, Any]] = {
    "stack": {"type": "dict", "required": True},
    "state_dir": {"type": "path", "default": STATE_DIR},
}
#: Options of every module that is a part of a run; documented in the ``run`` fragment.
RUN_OPTIONS: dict[str, dict[str, Any]] = {**STACK_OPTIONS, "run": {"type": "dict", "required": True}}


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

    @cached_property
    def run(self) -> Run:
        """The run this module is a part of."""
        return _run.given(self.module.params["run"])


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

    def begin(module: AnsibleModule) -> dict[str, Any]:
        return act(Context(module, drills=drills, swarms=swarms))

    _module.main(begin, options, **module_options)
