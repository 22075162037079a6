# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the playbooks as a user makes them: ``ansible-playbook NAME.yml`` from playbooks/."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.tiered.rollback.tests.support import leaks

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
_RECAP = re.compile(r"^\S+\s+: ok=\d+.*$", re.MULTILINE)
_TASK = re.compile(r"^TASK \[(.+?)\] \**$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How a playbook run ended, as its user sees it."""

    rc: int
    output: str
    seconds: float

    @property
    def recap(self) -> dict[str, int]:
        """The counts of the last line, by name; empty where no host was reached."""
        lines = _RECAP.findall(self.output)
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", lines[-1])} if lines else {}

    @property
    def said(self) -> str:
        """The output with the callback's quoting of line ends and quotes taken back."""
        return self.output.replace("\\n", "\n").replace('\\"', '"')

    def task(self, name: str) -> str:
        """What was printed for the task whose name ends with some text."""
        parts = _TASK.split(self.output)
        return next((body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title.endswith(name)), "")

    def ok(self) -> Outcome:
        """Return self, or fail with the output."""
        assert self.rc == 0, self.output
        return self


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a run: the venv first, plain output, Ansible's own files below *home*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
    # Without compiled bytecode each start of Ansible costs a second more.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    # Where a module unpacks itself; one that is killed leaves that behind.
    scratch = home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_NOCOLOR": "1",
        # From 2.20 on Ansible warns of facts that are read as variables, so nothing may need to.
        "ANSIBLE_INJECT_FACT_VARS": "false",
        "ANSIBLE_HOME": str(home),
        "TMPDIR": str(scratch),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        **(extra or {}),
    }


def write_inventory(path: Path, hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write an inventory of some hosts, in order."""
    path.write_text(yaml.safe_dump({"all": {"hosts": dict(hosts)}}, sort_keys=False), encoding="utf-8")


def start(
    name: str, inventory: Path, home: Path, *arguments: str, env: Mapping[str, str] | None = None, **variables: Any
) -> subprocess.Popen[str]:
    """Start a playbook; *variables* are given as ``-e`` JSON, exactly as they are."""
    command = ["ansible-playbook", name, "-i", str(inventory), *arguments]
    if variables:
        command += ["-e", json.dumps(variables)]
    return subprocess.Popen(
        command,
        cwd=PLAYBOOKS,
        env=environment(home, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], began: float, timeout: float = 400) -> Outcome:
    """Wait for a run that was started."""
    output, _unused = process.communicate(timeout=timeout)
    leaks.refuse(output)
    return Outcome(process.returncode, output, time.monotonic() - began)


def run(
    name: str, inventory: Path, home: Path, *arguments: str, env: Mapping[str, str] | None = None, **variables: Any
) -> Outcome:
    """Run a playbook to its end."""
    began = time.monotonic()
    return finish(start(name, inventory, home, *arguments, env=env, **variables), began)
