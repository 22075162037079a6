# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real snapshot service beside a stack: its image, its configuration, and what the inventory says of it."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp
from ansible_collections.tiered.rollback.tests.support import engine, images, leaks, playbook
from ansible_collections.tiered.rollback.tests.support.stack import Stack, free_port

TOKEN = "hunter2-a-token-that-shows-nowhere"
#: By request only, so that a test knows every snapshot that there is.
CONFIG = """\
recovery:
  peelback:
    enabled: false
    snapshots: {maxSnapshots: 4, storage: /app/data/snapshots}
  rollback: {strategy: manual}
"""
_LABEL = "tiered.rollback.peelback"


def build(name: str) -> str:
    """Build the service's image, under a name of the test's own."""
    environ = {**os.environ, "BASE_IMAGE": images.BASE, "PYTHON": sys.executable}
    subprocess.run([playbook.ROOT / "peelback/build", name], check=True, env=environ, timeout=400, capture_output=True)
    return name


def describe(stack: Stack) -> None:
    """Say in a stack's inventory that the service runs beside it, on the data that its services read."""
    stack.write("mcp-config.yml", CONFIG)
    port = free_port()
    stack.description["mcp"] = {"url": f"http://127.0.0.1:{port}", "token": TOKEN, "timeout": 20}
    stack.variables.update(
        peelback_project=stack.project,
        peelback_image=f"{stack.images.prefix}/peelback:1",
        peelback_data=str(stack.src / "data"),
        peelback_config=str(stack.src / "mcp-config.yml"),
        peelback_token=TOKEN,
        peelback_port=port,
        peelback_directory=str(stack.state / "peelback"),
    )


def bring_up(stack: Stack, version: str) -> None:
    """Deploy a version whose ``api`` has data of which the service, beside it, keeps the snapshots, and run that."""
    stack.compose({"api": stack.published(restart="on-failure")})
    stack.deploy(version)
    describe(stack)
    stack.description["mcp"]["services"] = ["api"]
    build(stack.variables["peelback_image"])
    stack.run("peelback.yml").ok()
    stack.write("data/state", f"of {version}\n")


def client(stack: Stack) -> Mcp:
    """Return a client of the service, as the stack's description reaches it."""
    return Mcp(**{key: stack.description["mcp"][key] for key in ("url", "token", "timeout")})


def remove(stack: Stack) -> None:
    """Remove the service's container, whose description anybody may read who may ask the engine."""
    if found := leaks.containers(f"{_LABEL}={stack.project}"):
        raise AssertionError(f"a secret is in the description of {found}")
    engine.remove_labelled(stack.project, _LABEL)
