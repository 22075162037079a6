# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a person would ask it: the ``docker`` command, none of the collection's own code."""

from __future__ import annotations

import json
import subprocess
from typing import Any

LABEL = "tiered.rollback.test"


def docker(*arguments: str, check: bool = True, cwd: str | None = None) -> str:
    """Run ``docker`` and return what it printed; an error says what docker said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(arguments)} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout.strip()


def inspect(kind: str, *names: str) -> list[dict[str, Any]]:
    """Return what ``docker KIND inspect`` says."""
    return list(json.loads(docker(kind, "inspect", *names))) if names else []


def image_id(name: str) -> str | None:
    """Return the id an image name points to, or None."""
    return docker("image", "inspect", "-f", "{{.Id}}", name, check=False) or None


def tags(prefix: str) -> dict[str, str]:
    """Return the ids of all image names that begin with a prefix."""
    lines = docker("image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines if line.startswith(prefix) and "<none>" not in line)


def digests(prefix: str) -> list[str]:
    """Return the ``repository@sha256:...`` names, of repositories that begin with a prefix."""
    lines = docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}").splitlines()
    return sorted({line for line in lines if line.startswith(prefix) and "@sha256:" in line})


def untag(names: list[str]) -> None:
    """Take image names away; an image without a name and container goes with its last one."""
    if names:
        docker("image", "rm", *names, check=False)


def leftovers(value: str) -> list[str]:
    """Name every container, network and volume whose test label has a value."""
    found = []
    for kind, ls in (("container", ["ls", "-a"]), ("network", ["ls"]), ("volume", ["ls"])):
        listed = docker(kind, *ls, "-q", "--filter", f"label={LABEL}={value}").split()
        found += [f"{kind} {name}" for name in listed]
    return found


def remove_labelled(value: str, label: str = LABEL) -> None:
    """Remove every container, network and volume whose label, that of tests unless told, has a value."""
    for kind, ls, rm in (
        ("container", ["ls", "-a"], ["rm", "-f", "-v"]),
        ("network", ["ls"], ["rm"]),
        ("volume", ["ls"], ["rm"]),
    ):
        if names := docker(kind, *ls, "-q", "--filter", f"label={label}={value}").split():
            docker(kind, *rm, *names, check=False)
