# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real registry: Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def install() -> bool:
    """Install Debian's docker-registry without starting it as a service; False where that cannot be done."""
    if shutil.which("docker-registry"):
        return True
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    # Exit code 101 forbids that an installed service is started.
    policy = Path("/usr/sbin/policy-rc.d")
    mine = not policy.exists()
    if mine:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        command = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "docker-registry"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode != 0:
            subprocess.run(["apt-get", "-qq", "update"], env=environment, capture_output=True, check=True)
            subprocess.run(command, env=environment, capture_output=True, check=True)
    finally:
        if mine:
            policy.unlink()
    return True
