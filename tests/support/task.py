# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One module as the one task of a play, on a stack or just on this machine."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml
from ansible_collections.tiered.rollback.tests.support import playbook
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome


class Target(Protocol):
    """What playbooks are run on."""

    def run(self, name: str, *arguments: str) -> Outcome:
        """Run a playbook to its end."""


@dataclass(frozen=True)
class Host:
    """This machine, for modules that need no stack."""

    home: Path

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a playbook."""
        return playbook.start(name, self._inventory(), self.home, *arguments)

    def run(self, name: str, *arguments: str) -> Outcome:
        """Run a playbook to its end."""
        return playbook.run(name, self._inventory(), self.home, *arguments)

    def _inventory(self) -> Path:
        path = self.home / "hosts.yml"
        self.home.mkdir(exist_ok=True)
        variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        path.write_text(yaml.safe_dump({"all": {"hosts": {"here": variables}}}))
        return path


def call(on: Target, tmp_path: Path, module: str, *arguments: str, **options: Any) -> dict[str, Any]:
    """Run one module as a task and return its result; a failure is a result too."""
    play, result = write(tmp_path, module, **options)
    outcome = on.run(str(play), *arguments)
    assert "hunter2" not in outcome.output
    return dict(json.loads(result.read_text())) if result.exists() else {"output": outcome.output}


def write(tmp_path: Path, module: str, **options: Any) -> tuple[Path, Path]:
    """Write the play, and return it and the file that will hold the result."""
    play, result = tmp_path / "play.yml", tmp_path / "result.json"
    result.unlink(missing_ok=True)
    tasks = [
        {f"tiered.rollback.{module}": options, "register": "found", "ignore_errors": True},
        {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(result)}, "check_mode": False},
    ]
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return play, result
