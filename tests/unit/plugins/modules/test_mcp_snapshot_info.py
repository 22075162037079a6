# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import mcp_snapshot_info


@pytest.mark.parametrize("check_mode", [True, False])
def test_everything_is_listed_and_nothing_changed(snapshot_api: Any, check_mode: bool) -> None:
    result = mcp_snapshot_info.act(snapshot_api.module(check_mode=check_mode))
    assert result["changed"] is False
    assert [snapshot["id"] for snapshot in result["snapshots"]] == ["snapshot-2", "snapshot-1"]
    assert (result["peelback"]["levels"], result["peelback"]["rollback"]["health"]) == (2, "healthy")
    assert (result["status"]["version"], result["health"]) == ("1.0.0", "ok")
    assert not snapshot_api.asked("POST")


def test_a_service_that_is_not_there_is_an_error(snapshot_api: Any) -> None:
    snapshot_api.site.answers.clear()
    with pytest.raises(RollbackError, match="404"):
        mcp_snapshot_info.act(snapshot_api.module())
