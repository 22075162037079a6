# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _api
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

GOOD = {"url": "http://127.0.0.1:8082", "token": "t0ken", "timeout": 60.0, "services": []}


def test_a_token_is_not_in_what_is_printed_of_an_api() -> None:
    assert "t0ken" not in repr(_api.parse_mcp(GOOD, "mcp"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "ftp://x"}, "mcp.url is not an HTTP URL: 'ftp://x'"),
        ({"url": "localhost:8082"}, "mcp.url is not an HTTP URL"),
        ({"url": "http://user:hunter2@x"}, "mcp.url holds a user or password"),
        ({"url": "http://x/?token=1"}, "mcp.url must end with a path"),
        ({"token": ""}, "mcp.token is no token"),
        ({"token": "hunter2\n"}, "mcp.token is no token"),
        ({"token": "hunter2 hunter2"}, "mcp.token is no token"),
        ({"token": "hünter2"}, "mcp.token is no token"),
        ({"timeout": 0}, "mcp.timeout must be from 0 to 3600"),
        ({"timeout": float("nan")}, "mcp.timeout must be"),
    ],
)
def test_a_wrong_value_is_named_and_no_secret_shown(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _api.parse_mcp({**GOOD, **change}, "mcp")
    assert "nter2" not in str(caught.value)
