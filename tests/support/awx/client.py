# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody with a token does by the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Client:
    """One token."""

    url: str
    token: str

    def call(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        """Return status and answer of one request; *path* is below ``/api/v2/``, or a whole one."""
        url = self.url + (path if path.startswith("/") else f"/api/v2/{path}")
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, url, json=body or None, headers=headers, timeout=10)
        return answer.status_code, answer.json() if answer.content else None

    def launch(self, resource: str, name: str, **extra_vars: Any) -> tuple[int, Any]:
        """Launch a template by its name."""
        found = self.call("GET", f"{resource}/?name={name}")[1]["results"]
        return self.call("POST", found[0]["related"]["launch"], extra_vars=extra_vars)
