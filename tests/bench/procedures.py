# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways back to v0.9.0, ours and other people's, each run as its user runs it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ansible_collections.tiered.rollback.tests.support import engine, playbook
from ansible_collections.tiered.rollback.tests.support.stack import HEALTHCHECK, Stack
from docker import APIClient
from docker.utils import kwargs_from_env

VERSION = "v0.9.0"
#: What users ask for, and what every procedure polls.
PATH = "/api/status"
_HERE = Path(__file__).parent


class Procedure(Protocol):
    """A way back; *prepare* is not measured, *run* is, from its call to its return."""

    name: str

    def prepare(self, stack: Stack) -> None:
        """Do what may be done before the emergency."""

    def run(self, stack: Stack) -> None:
        """Go back to VERSION, or raise."""


class Ours:
    """This collection, with every safety rule on and its own output."""

    name = "ours"
    command = ("ansible-playbook", "tier1-emergency.yml", "-e", f"version={VERSION}")

    def prepare(self, stack: Stack) -> None:
        """Name the inventory, as a user's ansible.cfg does."""
        stack.write_inventory()

    def run(self, stack: Stack) -> None:
        """Type the command in playbooks/."""
        call(self.command, playbook.PLAYBOOKS, environment(stack, "tiered.rollback.timeline"))

    def target_tasks(self, stack: Stack) -> int:
        """Run once more, talkatively, and count the modules that were sent to the target."""
        return modules_sent(call([*self.command, "-vvv"], playbook.PLAYBOOKS, environment(stack, "default")))


class CommunityDocker:
    """The playbook that an Ansible user would write today."""

    name = "community.docker"

    def prepare(self, stack: Stack) -> None:
        """Name the inventory, as a user's ansible.cfg does."""
        stack.write_inventory()

    def run(self, stack: Stack) -> None:
        """Run it with the same settings as ours (pipelining, no facts), except for the output plugin."""
        call(self._command(stack), playbook.PLAYBOOKS, environment(stack, "default"))

    def target_tasks(self, stack: Stack) -> int:
        """Run once more, talkatively, and count the modules that were sent to the target."""
        return modules_sent(call([*self._command(stack), "-vvv"], playbook.PLAYBOOKS, environment(stack, "default")))

    def _command(self, stack: Stack) -> list[str]:
        previous, deployed = images(stack)
        variables = {
            "project_src": str(stack.src),
            "project_name": stack.project,
            "previous_image": previous,
            "deployed_image": deployed,
            "health_url": f"http://127.0.0.1:{stack.port}{PATH}",
            "version": VERSION,
        }
        return ["ansible-playbook", str(_HERE / "peer_community_docker.yml"), "-e", json.dumps(variables)]


class Document:
    """A written procedure of the source documents, typed by somebody who types fast: a shell script."""

    def __init__(self, number: str) -> None:
        self.name = f"document {number}"
        self._script = _HERE / f"peer_document_{number}.sh"

    def prepare(self, stack: Stack) -> None:
        """Nothing to prepare."""

    def run(self, stack: Stack) -> None:
        """Run the script in the project's directory."""
        call([str(self._script), stack.project, *images(stack), str(stack.port)], stack.src)


class EngineItself:
    """The least that any procedure on a published port can cost: stop the old container, start one made before."""

    name = "engine stop + start"

    def prepare(self, stack: Stack) -> None:
        """Make the container, alike in everything that costs time."""
        (self._old,) = stack.containers("api")
        options = {
            "name": f"{stack.project}-made-before",
            "label": f"{engine.LABEL}={stack.project}",
            "network": f"{stack.project}_default",
            "publish": f"127.0.0.1:{stack.port}:8000",
            "volume": f"{stack.src}/data:/data:ro",
            "health-cmd": "healthy",
            **{f"health-{key.replace('_', '-')}": str(value) for key, value in HEALTHCHECK.items() if key != "test"},
        }
        self._new = engine.docker("create", *(f"--{name}={value}" for name, value in options.items()), images(stack)[0])

    def run(self, stack: Stack) -> None:
        """Ask the engine directly: the docker command would add its own start-up to the outage."""
        self._api.stop(self._old["Id"])
        self._api.start(self._new)
        deadline = time.monotonic() + 30
        while stack.ask(PATH).status != 200:
            if time.monotonic() > deadline:
                raise RuntimeError("the container that was made before does not answer")
            time.sleep(0.02)

    @cached_property
    def _api(self) -> APIClient:
        return APIClient(version="auto", **kwargs_from_env())


def images(stack: Stack) -> tuple[str, str]:
    """Return the image name of VERSION, and the name that the Compose file uses."""
    return f"{stack.project}/api:{VERSION}", f"{stack.project}/api:production"


def environment(stack: Stack, output: str) -> dict[str, str]:
    """Return the environment of a playbook run on a stack."""
    return playbook.environment(
        stack.home, {"ANSIBLE_INVENTORY": str(stack.inventory), "ANSIBLE_STDOUT_CALLBACK": output}
    )


def call(
    command: list[str] | tuple[str, ...], cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 180
) -> str:
    """Run a command to its end and return its output; one that fails fails the benchmark."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def modules_sent(output: str) -> int:
    """Count the modules that a talkative playbook run sent to its target."""
    return output.count("Using module file ")
