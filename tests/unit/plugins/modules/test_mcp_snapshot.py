# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import mcp_snapshot


def _act(api: Any, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    defaults = {"state": "present", "id": None, "description": None, "keep": False}
    return mcp_snapshot.act(api.module(check_mode=check_mode, **{**defaults, **params}))


def test_a_snapshot_is_taken_where_none_has_the_description(snapshot_api: Any) -> None:
    result = _act(snapshot_api, description="before v2", keep=True)
    assert (result["changed"], result["snapshot"]["id"]) == (True, "snapshot-3")
    assert result["actions"] == ["take a snapshot: before v2"]
    assert snapshot_api.asked("POST") == {"/admin/snapshot": {"description": "before v2", "keep": True}}


def test_one_with_the_description_is_enough(snapshot_api: Any) -> None:
    result = _act(snapshot_api, description="number 1")
    assert (result["changed"], result["snapshot"]["id"], result["actions"]) == (False, "snapshot-1", [])
    assert not snapshot_api.asked("POST")


@pytest.mark.parametrize(("there", "changed"), [({}, True), ({"kept": True}, False)])
def test_one_that_is_not_kept_is_not_what_keep_asks_for(
    snapshot_api: Any, there: dict[str, Any], changed: bool
) -> None:
    snapshot_api.list(snapshot_api.snapshot(1, **there))
    assert _act(snapshot_api, description="number 1", keep=True)["changed"] is changed


@pytest.mark.parametrize("trigger", ["interval", "before-restore"])
def test_what_the_service_took_itself_is_not_what_was_asked_for(snapshot_api: Any, trigger: str) -> None:
    snapshot_api.list(snapshot_api.snapshot(1, trigger=trigger))
    assert _act(snapshot_api, description="number 1")["changed"]


def test_without_a_description_each_call_takes_one(snapshot_api: Any) -> None:
    snapshot_api.list(snapshot_api.snapshot(1, description=""))
    assert _act(snapshot_api)["changed"]
    assert snapshot_api.asked("POST") == {"/admin/snapshot": {"description": ""}}


@pytest.mark.parametrize("description", ["before v2", None])
def test_check_mode_foretells_and_takes_none(snapshot_api: Any, description: str | None) -> None:
    foretold = _act(snapshot_api, check_mode=True, description=description)
    assert not snapshot_api.asked("POST")
    real = _act(snapshot_api, description=description)
    assert foretold == {**real, "snapshot": None}


def test_a_snapshot_is_restored_and_the_state_before_named(snapshot_api: Any) -> None:
    result = _act(snapshot_api, state="restored", id="snapshot-1")
    assert (result["changed"], result["files_changed"]) == (True, 4)
    assert (result["snapshot"]["id"], result["before"]["id"]) == ("snapshot-1", "snapshot-9")
    assert snapshot_api.asked("POST") == {"/admin/restore": {"snapshotId": "snapshot-1"}}


def test_check_mode_asks_the_service_what_a_restore_would_change(snapshot_api: Any) -> None:
    snapshot_api.restoration("/admin/restore", snapshot_api.snapshot(1), before=None)
    foretold = _act(snapshot_api, check_mode=True, state="restored", id="snapshot-1")
    assert snapshot_api.asked("POST") == {"/admin/restore": {"snapshotId": "snapshot-1", "dryRun": True}}
    assert foretold == _act(snapshot_api, state="restored", id="snapshot-1")


def test_what_is_there_already_is_no_change(snapshot_api: Any) -> None:
    same = {"changed": False, "before": None, "filesChanged": 0}
    snapshot_api.restoration("/admin/restore", snapshot_api.snapshot(1), **same)
    result = _act(snapshot_api, state="restored", id="snapshot-1")
    assert (result["changed"], result["before"], result["actions"]) == (False, None, [])


def test_an_unknown_snapshot_is_refused_before_anything_is_asked_for(snapshot_api: Any) -> None:
    with pytest.raises(RollbackError, match="there is no snapshot snapshot-7") as caught:
        _act(snapshot_api, state="restored", id="snapshot-7")
    assert "snapshot-2" in caught.value.hint
    assert not snapshot_api.asked("POST")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_snapshot_is_removed_once(snapshot_api: Any, check_mode: bool) -> None:
    snapshot_api.site.answers["/admin/snapshots/snapshot-1"] = (204, b"")
    result = _act(snapshot_api, check_mode=check_mode, state="absent", id="snapshot-1")
    assert (result["changed"], result["snapshot"]["id"]) == (True, "snapshot-1")
    assert bool(snapshot_api.asked("DELETE")) is not check_mode
    snapshot_api.list()
    again = _act(snapshot_api, state="absent", id="snapshot-1")
    assert (again["changed"], again["snapshot"]) == (False, None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"id": "snapshot-1"}, "id cannot be given with state=present"),
        ({"state": "restored", "id": "snapshot-1", "keep": True}, "keep cannot be given with state=restored"),
        ({"state": "absent", "id": "snapshot-1", "description": "x"}, "description cannot be given with state=absent"),
        ({"state": "restored", "id": "latest"}, "not the id of a snapshot: 'latest'"),
        ({"state": "absent", "id": "../x"}, "not the id of a snapshot"),
        ({"description": "x" * 501}, "longer than 500"),
    ],
)
def test_bad_input_is_refused_before_anything_is_done(snapshot_api: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _act(snapshot_api, **params)
    assert not snapshot_api.asked("POST")
    assert not snapshot_api.asked("DELETE")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("params", [{}, {"description": "x"}, {"state": "restored", "id": "snapshot-1"}])
def test_a_wrong_token_is_an_error_in_check_mode_too(
    snapshot_api: Any, check_mode: bool, params: dict[str, Any]
) -> None:
    for path in snapshot_api.site.answers:
        snapshot_api.site.answers[path] = (401, b"{}")
    with pytest.raises(RollbackError, match="the token is wrong or missing") as caught:
        _act(snapshot_api, check_mode=check_mode, **params)
    assert snapshot_api.TOKEN not in str(caught.value)
