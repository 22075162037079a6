# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWX with users, and who sets it up by ``awx.yml``."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support import playbook
from ansible_collections.tiered.rollback.tests.support.awx.client import Client
from ansible_collections.tiered.rollback.tests.support.awx.server import Awx, User
from ansible_collections.tiered.rollback.tests.support.playbook import PLAYBOOKS, Outcome

ADMIN, OWNER, OPERATOR, APPROVER = (
    "token-of-the-admin",
    "token-of-the-owner",
    "token-of-the-operator",
    "token-of-a-lead",
)
USERS = {
    ADMIN: User(name="admin", superuser=True),
    OWNER: User(name="olga", administers=("Rollback",)),
    OPERATOR: User(name="otto", executes=("Tier 1 rollback", "Tier 2 rollback", "tier1-emergency")),
    APPROVER: User(name="lea", approves=("Tier 2 rollback",)),
}
SECRET = "hunter2-hunter2"
SETUP: dict[str, Any] = {
    "project": {"url": "https://git.example.com/rollback.git"},
    "execution_environment": {"image": "registry.example.com/tiered-rollback-ee:1.0.0"},
    "notifications": [{"name": "Ops", "type": "slack", "configuration": {"token": SECRET, "channels": ["#ops"]}}],
}


def awx_with_playbooks() -> Awx:
    """Return one whose project has the playbooks of this checkout."""
    return Awx(USERS, [f"playbooks/{path.name}" for path in PLAYBOOKS.glob("*.yml")])


class Site:
    """An AWX and who sets it up."""

    def __init__(self, awx: Awx, home: Path) -> None:
        self.awx, self.home = awx, home
        self.inventory = home / "hosts.yml"
        self.inventory.write_text("all: {}\n", encoding="utf-8")

    def run(self, *arguments: str, token: str = ADMIN, url: str = "", **changes: Any) -> Outcome:
        """Run awx.yml."""
        env, setup = self._env(token, url), {**SETUP, **changes}
        done = playbook.run("awx.yml", self.inventory, self.home, *arguments, env=env, awx_setup=setup)
        assert SECRET not in done.output
        assert token not in done.output
        return done

    def client(self, token: str) -> Client:
        """Somebody at the API."""
        return Client(self.awx.url, token)

    def start(self, **changes: Any) -> subprocess.Popen[str]:
        """Start awx.yml as its administrator."""
        return playbook.start(
            "awx.yml", self.inventory, self.home, env=self._env(ADMIN), awx_setup={**SETUP, **changes}
        )

    def _env(self, token: str, url: str = "") -> dict[str, str]:
        return {"CONTROLLER_HOST": url or self.awx.url, "CONTROLLER_OAUTH_TOKEN": token}
