# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _api, _mcp
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp


@pytest.fixture
def mcp(snapshot_api: Any) -> Mcp:
    return Mcp(snapshot_api.site.url, snapshot_api.TOKEN, 5.0)


def test_snapshots_are_read_in_their_order(mcp: Mcp, snapshot_api: Any) -> None:
    snapshot_api.list(
        snapshot_api.snapshot(2, remarks=["a: left out"], healthy=True), snapshot_api.snapshot(1, level=None)
    )
    second, first = mcp.snapshots()
    assert (second.id, second.remarks, second.healthy, second.level) == ("snapshot-2", ("a: left out",), True, 1)
    assert (first.id, first.healthy, first.level, first.size_bytes) == ("snapshot-1", None, None, 9)
    assert first.describe() == "snapshot-1 (2026-11-20T10:00:00Z, number 1)"


def test_requests_are_those_of_the_document(mcp: Mcp, snapshot_api: Any) -> None:
    snapshot_api.site.answers["/admin/snapshots/snapshot-2"] = (204, b"")
    mcp.snapshot("before v2", keep=False)
    assert snapshot_api.asked("POST")["/admin/snapshot"] == {"description": "before v2"}
    mcp.snapshot("before v2", keep=True)
    mcp.restore("snapshot-1")
    mcp.revert(2)
    mcp.remove("snapshot-2")
    assert snapshot_api.asked("POST") == {
        "/admin/snapshot": {"description": "before v2", "keep": True},
        "/admin/restore": {"snapshotId": "snapshot-1"},
        "/admin/peelback/revert": {"levels": 2},
    }
    assert list(snapshot_api.asked("DELETE")) == ["/admin/snapshots/snapshot-2"]
    assert {each.headers["Authorization"] for each in snapshot_api.site.asked} == {f"Bearer {snapshot_api.TOKEN}"}


def test_a_restore_may_only_be_tried(mcp: Mcp, snapshot_api: Any) -> None:
    mcp.restore("snapshot-1", dry_run=True)
    mcp.revert(1, dry_run=True)
    assert snapshot_api.asked("POST") == {
        "/admin/restore": {"snapshotId": "snapshot-1", "dryRun": True},
        "/admin/peelback/revert": {"levels": 1, "dryRun": True},
    }


def test_a_restoration_says_what_was_replaced(mcp: Mcp, snapshot_api: Any) -> None:
    done = mcp.restore("snapshot-1")
    assert (done.changed, done.restored.id, done.files_changed) == (True, "snapshot-1", 4)
    assert done.before is not None
    assert done.before.id == "snapshot-9"
    snapshot_api.restoration("/admin/restore", snapshot_api.snapshot(1), changed=False, before=None)
    assert mcp.restore("snapshot-1").before is None


def test_the_statuses_are_read(mcp: Mcp) -> None:
    assert mcp.status().free_bytes == 10
    assert (mcp.peelback_status().levels, mcp.peelback_status().rollback.health) == (2, "healthy")
    assert mcp.health().status == "ok"


def test_a_service_that_is_not_well_says_so_with_503(snapshot_api: Any) -> None:
    # Which may be a passing answer of a proxy too, so it is asked for again as long as there is time.
    mcp = Mcp(snapshot_api.site.url, snapshot_api.TOKEN, 0.5)
    snapshot_api.serve("/health", {"status": "failing"}, 503)
    assert mcp.health().status == "failing"
    snapshot_api.site.answers["/health"] = (503, b"<html>")
    with pytest.raises(RollbackError, match="503"):
        mcp.health()


def test_a_snapshot_that_is_gone_is_removed_already(mcp: Mcp, snapshot_api: Any) -> None:
    snapshot_api.serve("/admin/snapshots/snapshot-7", {"detail": "no", "code": "unknown_snapshot"}, 404)
    mcp.remove("snapshot-7")
    snapshot_api.serve("/admin/snapshots/snapshot-7", {"detail": "Not Found", "code": "not_found"}, 404)
    with pytest.raises(RollbackError, match="404"):
        mcp.remove("snapshot-7")


@pytest.mark.parametrize("code", sorted(_mcp._HINTS))
def test_each_refusal_of_the_service_has_a_hint_of_its_own(mcp: Mcp, snapshot_api: Any, code: str) -> None:
    snapshot_api.serve("/admin/restore", {"detail": "because", "code": code, "files": []}, 409)
    with pytest.raises(RollbackError, match="because") as caught:
        mcp.restore("snapshot-1")
    assert caught.value.hint == _mcp._HINTS[code]


@pytest.mark.parametrize("bad", ["", "snapshot-", "snapshot-1/../../x", "snapshot-1?x", "latest", "snapshot-1\n"])
def test_an_id_that_is_none_reaches_no_path(mcp: Mcp, snapshot_api: Any, bad: str) -> None:
    for call in (mcp.restore, mcp.remove):
        with pytest.raises(RollbackError, match="not the id of a snapshot"):
            call(bad)
    assert snapshot_api.site.asked == []


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "the list of snapshots is none"),
        ([5], r"snapshots\[0\] is no object"),
        ([{}], r"snapshots\[0\].id is missing"),
        ([{"id": "../x"}], "not the id of a snapshot"),
        ([{"files": "many"}], r"snapshots\[0\].files is missing or of another type"),
        ([{"sizeBytes": None}], "sizeBytes"),
        ([{"remarks": [1]}], "remarks"),
        ([{"remarks": "x"}], "remarks"),
        ([{"healthy": "yes"}], "healthy"),
    ],
)
def test_an_answer_of_another_shape_is_refused_by_name(
    mcp: Mcp, snapshot_api: Any, document: Any, message: str
) -> None:
    if isinstance(document, list) and isinstance(document[0], dict) and document[0]:
        document = [snapshot_api.snapshot(1, **document[0])]
    snapshot_api.serve("/admin/snapshots", document)
    with pytest.raises(RollbackError, match=message):
        mcp.snapshots()


def test_a_restoration_without_its_snapshot_is_refused(mcp: Mcp, snapshot_api: Any) -> None:
    snapshot_api.restoration("/admin/restore", {})
    with pytest.raises(RollbackError, match=r"restored\.id is missing"):
        mcp.restore("snapshot-1")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, b'{"detail": "the token is wrong", "code": "unauthorized"}'), "the token is wrong or missing"),
        ((500, b"Internal Server Error"), "500"),
        ((200, b"<html><body>Welcome</body></html>"), "no JSON"),
        ((200, b""), "empty"),
    ],
)
def test_a_bad_answer_is_an_error_for_every_request(
    mcp: Mcp, snapshot_api: Any, answer: tuple[int, bytes], message: str
) -> None:
    for path in [*snapshot_api.site.answers, "/admin/snapshots/snapshot-1"]:
        snapshot_api.site.answers[path] = answer
    for ask in (
        mcp.snapshots,
        lambda: mcp.snapshot("x", keep=False),
        lambda: mcp.restore("snapshot-1"),
        lambda: mcp.revert(1),
        lambda: mcp.remove("snapshot-1"),
        mcp.status,
        mcp.peelback_status,
        mcp.health,
    ):
        with pytest.raises(RollbackError, match=message) as caught:
            ask()
        assert caught.value.hint
        assert snapshot_api.TOKEN not in str(caught.value)


def test_an_unknown_snapshot_is_answered_with_those_that_there_are(mcp: Mcp, snapshot_api: Any) -> None:
    with pytest.raises(RollbackError, match="there is no snapshot snapshot-7") as caught:
        _mcp.pick(mcp.snapshots(), "snapshot-7")
    assert "snapshot-2 (2026-11-20T10:00:00Z, number 2); snapshot-1" in caught.value.hint
    assert json.dumps(caught.value.facts) == '{"snapshots": ["snapshot-2", "snapshot-1"]}'
    snapshot_api.list(*[snapshot_api.snapshot(number) for number in range(30)])
    with pytest.raises(RollbackError, match="no snapshot") as caught:
        _mcp.pick(mcp.snapshots(), "snapshot-77")
    assert "and 20 older" in caught.value.hint
    with pytest.raises(RollbackError, match="There are none yet"):
        _mcp.pick([], "snapshot-7")


def test_a_service_that_would_take_a_trial_for_a_request_is_not_asked(mcp: Mcp, snapshot_api: Any) -> None:
    snapshot_api.serve("/openapi.json", {"paths": {}})
    with pytest.raises(RollbackError, match="cannot say what a restore would change, and would do it") as caught:
        mcp.restore("snapshot-1", dry_run=True)
    assert "check mode" in caught.value.hint
    assert snapshot_api.asked("POST") == {}


def test_what_the_document_promises_is_enough(mcp: Mcp, snapshot_api: Any) -> None:
    """The example of document 003, and a restore that answers with no more than success."""
    said = {"id": "snapshot-1700265600", "timestamp": "2025-11-17T10:00:00Z", "description": "x", "size": "50MB"}
    snapshot_api.list(said)
    (found,) = mcp.snapshots()
    assert (found.id, found.description, found.level, found.kept) == ("snapshot-1700265600", "x", None, False)
    snapshot_api.serve("/admin/restore", {})
    done = mcp.restore(found.id)
    assert (done.changed, done.restored, done.before) == (True, None, None)


def test_an_api_has_one_client_however_often_it_is_asked_for(snapshot_api: Any) -> None:
    described = {"mcp": snapshot_api.described()}
    assert _mcp.given(described) is _mcp.of(_api.parse_mcp(described["mcp"], "mcp"))
    assert _mcp.given({"mcp": {**described["mcp"], "token": "another"}}) is not _mcp.given(described)
