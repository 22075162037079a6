# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks of the Molecule scenarios: ``python -m ...support.molecule create|deploy|destroy``, and what verify needs.

Each scenario has one stack below its ephemeral directory, under names made of the scenario's.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import engine, proxied
from ansible_collections.tiered.rollback.tests.support.images import Images
from ansible_collections.tiered.rollback.tests.support.stack import Stack

OLD, NEW = "v0.9.0", "v1.0.0"


def stack() -> Stack:
    """Return the stack of the scenario that Molecule runs, on the port it was created on."""
    scenario = os.environ["MOLECULE_SCENARIO_NAME"]
    name = f"trm-{scenario.replace('_', '-')}"
    directory = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "stack"
    found = Stack(directory, Images(name), name=name)
    port = directory / "port"
    if port.exists():
        found.port = int(port.read_text(encoding="ascii"))
    else:
        port.write_text(str(found.port), encoding="ascii")
    return found


def configuration(version: str) -> str:
    """Return the ``.env`` of a version."""
    return f"GREETING=hello from {version}\n"


def assert_serves(host: Any, made: Stack, version: str) -> None:
    """See, from outside, that one healthy container runs a version's image by id and answers on the stack's port."""
    (container,) = [host.docker(entry["Id"]) for entry in made.containers("api")]
    assert container.is_running
    assert container.inspect()["State"]["Health"]["Status"] == "healthy"
    assert container.inspect()["Image"] == made.images.get(version)
    assert host.socket(f"tcp://127.0.0.1:{made.port}").is_listening
    answer = made.ask("/api/status")
    assert (answer.status, answer.version) == (200, version)


def assert_configured(host: Any, made: Stack, version: str) -> None:
    """See that the environment file is a version's, and that the service was started with it."""
    assert host.file(str(made.src / ".env")).content_string == configuration(version)
    assert made.ask("/").document["greeting"] == configuration(version).split("=")[1].strip()


def create(made: Stack) -> None:
    """Bring v0.9.0 up and describe the stack for the inventory."""
    if "start-first" in made.name:
        proxied.compose(made)
    else:
        made.compose({"api": made.published(environment={"GREETING": "${GREETING}"})})
        made.write(".env", configuration(OLD))
        made.description["config"] = ["compose.yml", ".env"]
    made.deploy(OLD)
    made.description["services"]["api"]["checks"] = [{"url": f"http://127.0.0.1:{made.port}/api/status"}]
    made.description["health_timeout"] = 15
    (made.src.parent / "rollback_stack.json").write_text(json.dumps(made.description), encoding="utf-8")


def deploy(made: Stack) -> None:
    """Deploy v1.0.0; where the scenario is about a broken target, v0.9.0 can run no more from then on."""
    if (made.src / ".env").exists():
        made.write(".env", configuration(NEW))
    made.deploy(NEW)
    if "broken-target" in made.name:
        made.trouble(OLD, "unhealthy")


def destroy(made: Stack) -> None:
    """Remove everything, and fail when something is left."""
    made.down()
    made.images.remove()
    shutil.rmtree(made.src.parent)
    left = [*engine.leftovers(made.project), *made.tags(), *engine.tags(made.images.prefix)]
    if left:
        sys.exit(f"left over: {', '.join(left)}")


if __name__ == "__main__":
    {"create": create, "deploy": deploy, "destroy": destroy}[sys.argv[1]](stack())
