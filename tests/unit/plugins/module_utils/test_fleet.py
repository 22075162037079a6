# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _fleet, _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

TEN = [f"web{number}" for number in range(10)]


def results(**found: str) -> list[dict[str, Any]]:
    return [{"host": host, "outcome": outcome} for host, outcome in found.items()]


def all_of(outcome: str, *hosts: str) -> list[dict[str, Any]]:
    return results(**dict.fromkeys(hosts, outcome))


@pytest.mark.parametrize(
    ("canary", "batch", "serial"),
    [
        ("1", "25%", [1, 2, 2, 2, 2, 1]),
        ("2", "3", [2, 3, 3, 2]),
        ("1", "100%", [1, 9]),
        ("10", "5", [10]),
        ("1", "1%", [1] * 10),
        ("1", "9999", [1, 9]),
    ],
)
def test_the_canary_goes_first_and_the_rest_in_batches(canary: str, batch: str, serial: list[int]) -> None:
    planned = _fleet.plan(TEN, canary, batch)
    assert planned["hosts"] == TEN
    assert planned["serial"] == serial
    assert planned["batches"][0] == {"name": "canary", "hosts": TEN[: serial[0]]}
    assert [each["name"] for each in planned["batches"][1:]] == [f"batch {n}" for n in range(1, len(serial))]


def test_a_canary_that_is_named_goes_first_and_the_others_keep_their_order() -> None:
    planned = _fleet.plan(TEN, "web7,web3", "4", "50", "forward")
    assert planned["hosts"] == ["web3", "web7", *(host for host in TEN if host not in ("web3", "web7"))]
    assert planned["serial"] == [2, 4, 4]
    assert (planned["failures"], planned["done"]) == (50, "forward")


@given(
    st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=40, unique=True),
    st.from_regex(_names.LAUNCH_VARIABLES["batch"], fullmatch=True),
    st.data(),
)
def test_every_host_has_exactly_one_turn(hosts: list[str], batch: str, data: st.DataObject) -> None:
    canary = data.draw(st.integers(1, len(hosts)).map(str) | st.lists(st.sampled_from(hosts), min_size=1).map(",".join))
    planned = _fleet.plan(hosts, canary, batch)
    turns = [host for each in planned["batches"] for host in each["hosts"]]
    assert turns == planned["hosts"]
    assert sorted(turns) == sorted(hosts)
    assert planned["serial"] == [len(each["hosts"]) for each in planned["batches"]]
    assert 0 not in planned["serial"]


@pytest.mark.parametrize(
    ("hosts", "canary", "message", "hint"),
    [
        ([], "1", "there are no hosts", "--limit"),
        (TEN, "0", "a canary of 0 hosts in a fleet of 10", "at least one"),
        (TEN, "11", "a canary of 11 hosts", "no more than there are"),
        (TEN, "web3,db1", "no such host in this fleet: db1", "web9; nothing"),
        ([*TEN, "web10"], "db1", "no such host", "web9 ...; nothing"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(hosts: list[str], canary: str, message: str, hint: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _fleet.plan(hosts, canary)
    assert hint in caught.value.hint
    assert caught.value.hint.endswith("nothing was touched.")


def test_it_goes_on_while_all_is_well() -> None:
    planned = _fleet.plan(TEN, "1", "5")
    for outcome in _fleet.GOOD:
        assert _fleet.verdict(planned, all_of(outcome, *TEN[:6])) == {"stopped": False, "why": None, "forward": []}
    assert not _fleet.verdict(planned, [])["stopped"]


@pytest.mark.parametrize("outcome", ["failed", "reverted", "unreachable"])
def test_a_canary_that_does_not_succeed_stops_everything_whatever_may_fail(outcome: str) -> None:
    found = _fleet.verdict(_fleet.plan(TEN, "2", "5", "100%"), results(web0="succeeded", web1=outcome))
    assert found["stopped"]
    assert found["why"] == f"the canary did not succeed: web1 ({outcome})"


@pytest.mark.parametrize(
    ("failures", "bad", "stopped"),
    [
        ("0", [], False),
        ("0%", ["failed"], True),
        ("20%", ["failed"], False),
        ("20%", ["failed", "unreachable"], True),
        ("40", ["unreachable", "reverted"], False),
        ("40", ["unreachable", "unreachable", "unreachable"], True),
        ("100%", ["failed"] * 5, False),
    ],
)
def test_a_share_is_of_the_batch_counts_unreachable_hosts_and_has_to_be_exceeded(
    failures: str, bad: list[str], stopped: bool
) -> None:
    planned = _fleet.plan(TEN, "1", "5", failures)
    outcomes = [*bad, *["succeeded"] * (5 - len(bad))]
    batch = results(**dict(zip(TEN[1:6], outcomes, strict=True)))
    found = _fleet.verdict(planned, [*all_of("succeeded", "web0"), *batch])
    assert found["stopped"] is stopped
    if stopped:
        assert f"{len(bad)} of 5 hosts of batch 1" in found["why"]
        assert f"web1 ({bad[0]})" in found["why"]


def test_a_batch_that_was_bad_is_not_outweighed_by_those_after_it() -> None:
    planned = _fleet.plan(TEN, "1", "3", "50%")
    found = [*all_of("succeeded", "web0", *TEN[4:]), *all_of("failed", *TEN[1:4])]
    assert "batch 1" in _fleet.verdict(planned, found)["why"]


def test_a_host_that_told_nothing_when_it_was_its_turn_has_failed() -> None:
    planned = _fleet.plan(TEN, "1", "3")
    found = all_of("succeeded", "web0", "web1", "web3")
    assert _fleet.outcomes(planned, found) == {
        "web0": "succeeded",
        "web1": "succeeded",
        "web2": "failed",
        "web3": "succeeded",
        **dict.fromkeys(TEN[4:], "not begun"),
    }
    assert _fleet.verdict(planned, found)["why"].endswith("more than 20 %: web2 (failed)")


def test_only_hosts_that_this_fleet_has_changed_go_forward_and_only_when_it_is_stopped() -> None:
    planned = _fleet.plan(TEN, "2", "5", "20%", "forward")
    canary = results(web0="succeeded", web1="unchanged")
    assert _fleet.verdict(planned, canary)["forward"] == []
    batch = results(web2="succeeded", web3="reverted", web4="unreachable", web5="unchanged", web6="succeeded")
    assert _fleet.verdict(planned, [*canary, *batch])["forward"] == ["web0", "web2", "web6"]
    assert _fleet.verdict({**planned, "done": "keep"}, [*canary, *batch])["forward"] == []


RECORD = {"outcome": "succeeded", "run": "r2", "started": "s", "duration": 3.5, "outage": 0.2, "to_version": "v1"}


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        ({"needed": True, "record": RECORD, "report": "/r.md", "from_version": "v2"}, "succeeded", None),
        ({"needed": False, "record": {}, "report": None, "from_version": "v1", "to_version": "v1"}, "unchanged", None),
        ({"needed": True, "record": {}, "report": None, "to_version": "v1"}, "planned", None),
        ({"failed": True, "msg": "bad\nHINT: look", "record": {**RECORD, "outcome": "reverted"}}, "reverted", "bad"),
        ({"failed": True, "msg": "no version\nHINT: look"}, "failed", "no version"),
        ({"failed": True}, "failed", "the output of the run says why"),
        ({"unreachable": True, "msg": "no route\nHINT: look"}, "unreachable", "no route"),
    ],
)
def test_what_became_of_a_host(answer: dict[str, Any], outcome: str, error: str | None) -> None:
    found = _fleet.result(answer, "web1", "r1")
    assert (found["host"], found["outcome"], found["error"]) == ("web1", outcome, error)
    assert found["hint"] == ("look" if "HINT" in answer.get("msg", "") else None)
    assert found["run"] == ("r2" if answer.get("record") else "r1")
    assert found["report"] == answer.get("report")


def test_what_is_known_of_a_run_is_kept_with_its_host() -> None:
    found = _fleet.result({"needed": True, "record": RECORD, "from_version": "v2"}, "web1", "r1")
    known = {key: found[key] for key in ("started", "duration", "outage", "from_version", "to_version")}
    assert known == {"started": "s", "duration": 3.5, "outage": 0.2, "from_version": "v2", "to_version": "v1"}
