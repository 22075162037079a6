# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP APIs that a stack names: where each is, and the token for it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

MCP_SPEC: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "timeout": {"type": "float", "default": 60.0},
    "services": {"type": "list", "elements": "str", "default": []},
}


@dataclass(frozen=True, kw_only=True)
class McpApi:
    """The snapshot API of an MCP container, as peelback provides it.

    :param timeout: seconds for one request, retries included.
    :param services: services that work with the data, and are stopped while it is replaced.
    """

    url: str
    token: str = field(repr=False)
    timeout: float
    services: tuple[str, ...] = ()


def parse_mcp(values: Mapping[str, Any], where: str) -> McpApi:
    """Check what the specification cannot say; *values* are validated by it."""
    url = _names.http_url(values["url"], f"{where}.url")
    if "?" in url or "#" in url:
        raise RollbackError(f"{where}.url must end with a path: {url}", "Leave out what begins with '?' or '#'.")
    token = values["token"]
    # An error about a header that cannot be sent would show it.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise RollbackError(
            f"{where}.token is no token: it must be of visible ASCII characters, without spaces",
            "Look for a line end or an empty variable; the value is not shown here.",
        )
    if not 0 < values["timeout"] <= 3600:
        raise RollbackError(f"{where}.timeout must be from 0 to 3600 seconds", "60 is the default.")
    return McpApi(url=url, token=token, timeout=values["timeout"], services=tuple(values["services"]))
