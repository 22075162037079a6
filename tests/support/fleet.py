# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many stacks on one engine, each a host of one inventory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import playbook
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack

#: How to make a host unreachable: nothing listens there.
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


class Fleet:
    """An inventory of stacks in *directory*, where Ansible's own files and the reports are too."""

    def __init__(self, directory: Path, stacks: Sequence[Stack]) -> None:
        self.stacks = list(stacks)
        self.inventory = directory / "fleet.yml"
        self.home = directory / "ansible"
        self.reports = directory / "reports"

    def each(self, work: Callable[[Stack], object], workers: int = 4) -> None:
        """Do something with every stack, some at a time."""
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, self.stacks))

    def write_inventory(self) -> None:
        """Write the inventory as it is described now."""
        playbook.write_inventory(self.inventory, {stack.name: stack.host() for stack in self.stacks})

    def run(self, name: str, *arguments: str, env: Mapping[str, str] | None = None, **variables: Any) -> Outcome:
        """Run a playbook on all of them."""
        self.write_inventory()
        return playbook.run(name, self.inventory, self.home, *arguments, env=env, **variables)

    def roll(self, *arguments: str, **variables: Any) -> Outcome:
        """Roll all of them back, by Tier 1 where nothing else is given."""
        given = {"tier": 1, "version": "v0.9.0", "output": str(self.reports), **variables}
        return self.run("fleet.yml", *arguments, **given)

    def report(self) -> dict[str, Any]:
        """Return the newest report."""
        return dict(json.loads(max(self.reports.glob("*.json")).read_text(encoding="utf-8")))

    def outcomes(self) -> dict[str, str]:
        """Return what the newest report says of each host."""
        return {each["host"]: each["outcome"] for each in self.report()["hosts"]}
