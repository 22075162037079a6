# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack of two services that can go back one without the other: each has an image name of its own."""

from __future__ import annotations

from ansible_collections.tiered.rollback.tests.support.stack import Stack

OLD, NEW = "v0.9.0", "v1.0.0"
#: A feature flag that ``api`` reads from an environment file of its own.
FLAG = "GREETING"


def deploy(stack: Stack, version: str) -> None:
    """Deploy a version of both services."""
    stack.compose(
        {
            "api": stack.published("api:production", env_file=["api.env"], environment={"OTHER": "${OTHER:-none}"}),
            "web": stack.service("web:production", environment={"SHARED": "${SHARED:-none}"}),
        }
    )
    stack.write("api.env", settings(version))
    stack.write(".env", f"OTHER={version}\nSHARED={version}\n", 0o600)
    for name in ("api", "web"):
        stack.tag(f"{name}:production", version)
    stack.up()


def settings(version: str, flag: str = "true") -> str:
    """Return the environment file of ``api``."""
    return f"{FLAG}={flag}\nRELEASE={version}\n"


def images_of(stack: Stack) -> dict[str, str]:
    """Return the version that each service runs."""
    names = {stack.images.get(version): version for version in (OLD, NEW)}
    return {service: names[found] for service, found in stack.image_ids().items()}


def tell_the_flag(stack: Stack) -> None:
    """Describe where the application tells what the flag is."""
    status = f"http://127.0.0.1:{stack.port}/api/status"
    stack.description["flags"] = {FLAG: {"status_url": status, "status_path": FLAG.lower()}}
