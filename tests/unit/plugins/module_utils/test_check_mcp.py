# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_mcp
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp


def _look(site: Any, what: str) -> Any:
    subject: Any = SimpleNamespace(mcp=Mcp(site.url, "token", 5))
    return _check_mcp.look({"mcp": what}, subject)


def test_health_and_status_are_what_the_service_says(site: Any) -> None:
    status = '{"version": "1", "status": "ok", "snapshots": 0, "storedBytes": 0, "freeBytes": 0, "lastError": %s}'
    site.answers = {"/health": (200, b'{"status": "ok"}'), "/admin/status": (200, (status % "null").encode())}
    assert _look(site, "health").ok
    assert _look(site, "status").ok
    site.answers = {"/health": (503, b'{"status": "failing"}'), "/admin/status": (200, (status % '"no room"').encode())}
    assert _look(site, "health").found == "failing"
    assert _look(site, "status").found == "last error: no room"


def test_a_stack_without_the_service_cannot_be_asked(build: Any) -> None:
    with pytest.raises(RollbackError, match="describes no mcp"):
        _check_mcp.refuse({"mcp": "health"}, "checks[0]", build.stack())
