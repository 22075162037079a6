# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import mcp_peelback


def _act(api: Any, levels: int = 1, *, check_mode: bool = False) -> dict[str, Any]:
    return mcp_peelback.act(api.module(check_mode=check_mode, levels=levels))


def test_levels_are_gone_back_and_the_state_before_named(snapshot_api: Any) -> None:
    result = _act(snapshot_api, 2)
    assert (result["changed"], result["snapshot"]["id"], result["before"]["id"]) == (True, "snapshot-2", "snapshot-9")
    assert (result["files_changed"], result["peelback"]["levels"]) == (4, 2)
    assert snapshot_api.asked("POST") == {"/admin/peelback/revert": {"levels": 2}}


def test_check_mode_tells_which_snapshot_it_would_be(snapshot_api: Any) -> None:
    snapshot_api.restoration("/admin/peelback/revert", snapshot_api.snapshot(2), before=None)
    foretold = _act(snapshot_api, check_mode=True)
    assert foretold["snapshot"]["id"] == "snapshot-2"
    assert snapshot_api.asked("POST") == {"/admin/peelback/revert": {"levels": 1, "dryRun": True}}
    assert foretold == _act(snapshot_api)


def test_the_same_state_is_no_change(snapshot_api: Any) -> None:
    same = {"changed": False, "before": None, "filesChanged": 0}
    snapshot_api.restoration("/admin/peelback/revert", snapshot_api.snapshot(2), **same)
    result = _act(snapshot_api)
    assert (result["changed"], result["before"], result["actions"]) == (False, None, [])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("levels", "message"), [(3, "3 levels back were asked for, and there are 2"), (0, "at least 1"), (-1, "at least 1")]
)
def test_levels_that_there_are_not_are_refused_before_anything_is_asked_for(
    snapshot_api: Any, levels: int, message: str, check_mode: bool
) -> None:
    with pytest.raises(RollbackError, match=message):
        _act(snapshot_api, levels, check_mode=check_mode)
    assert not snapshot_api.asked("POST")
