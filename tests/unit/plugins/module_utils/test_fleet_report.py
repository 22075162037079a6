# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _fleet, _fleet_report

RUN = {
    "id": "20261122T100000Z-aaaaaa",
    "started": "2026-11-22T10:00:00.000+00:00",
    "user": "alice",
    "host": "desk",
    "playbook": "fleet.yml",
    "reason": "errors <everywhere>",
    "decision": None,
    "escalation": [{"role": "team lead", "contact": "bob", "response": 300, "authority": "decides"}],
}
GIVEN = {"reason": "errors <everywhere>", "version": "v1", "tier": "1", "batch": "2"}
ENDED = "2026-11-22T10:01:00.000+00:00"
HOSTS = ["web0", "web1", "web2", "web3", "web4"]
DONE = {
    "run": "r0",
    "outcome": "succeeded",
    "started": "2026-11-22T10:00:10.000+00:00",
    "duration": 3.5,
    "outage": 0.25,
    "from_version": "v2",
    "to_version": "v1",
}


def result(host: str, **answer: Any) -> dict[str, Any]:
    return _fleet.result(answer, host, "r0")


def done(host: str) -> dict[str, Any]:
    return result(host, needed=True, record=DONE, report=f"/state/{host}.md")


def report(*results: dict[str, Any], forward: tuple[dict[str, Any], ...] = (), **plan: Any) -> dict[str, Any]:
    planned = _fleet.plan(HOSTS, "1", "2", **plan)
    return _fleet_report.record(RUN, GIVEN, planned, results, forward, ENDED, ["/etc/my hosts"], "web*:!db")


@pytest.fixture
def well() -> dict[str, Any]:
    """All five went back; one was there already."""
    return report(*map(done, HOSTS[:4]), result("web4", needed=False, to_version="v1"))


@pytest.fixture
def bad() -> dict[str, Any]:
    """The first batch lost one to the network and one to its checks, and was taken forward again."""
    failed = result(
        "web1", failed=True, msg="not healthy | <b>\nHINT: look at it", record={**DONE, "outcome": "reverted"}
    )
    lost = result("web2", unreachable=True, msg="no route to host")
    return report(done("web0"), failed, lost, forward=(done("web0"),), done="forward")


def test_a_fleet_that_succeeded_says_so_and_how_to_undo_it(well: dict[str, Any]) -> None:
    assert (well["outcome"], well["why"], well["duration"]) == ("succeeded", None, 60.0)
    assert well["counts"] == {"succeeded": 4, "unchanged": 1}
    assert _fleet_report.unwell(well) == {}
    (line, undo) = _fleet_report.lines(well)
    assert line == "Tier 1 rollback to v1 of 5 hosts succeeded: 4 succeeded, 1 unchanged"
    assert "`ansible-playbook undo.yml -i '/etc/my hosts' --limit web0,web1,web2,web3`" in undo


def test_a_fleet_that_was_stopped_names_failed_unreachable_and_untouched_hosts(bad: dict[str, Any]) -> None:
    assert bad["outcome"] == "stopped"
    assert bad["counts"] == {"succeeded": 1, "reverted": 1, "unreachable": 1, "not begun": 2}
    assert [(each["host"], each["batch"], each["outcome"]) for each in bad["hosts"]] == [
        ("web0", "canary", "succeeded"),
        ("web1", "batch 1", "reverted"),
        ("web2", "batch 1", "unreachable"),
        ("web3", "batch 2", "not begun"),
        ("web4", "batch 2", "not begun"),
    ]
    told = "\n".join(_fleet_report.lines(bad))
    for text in (
        "was STOPPED",
        "2 of 2 hosts of batch 1 did not succeed, more than 20 %: web1 (reverted), web2 (unreachable)",
        "web0 (canary): succeeded; went forward again",
        "web1 (batch 1): failed; the state before was put back: not healthy",
        "web2 (batch 1): unreachable: no route to host",
        "not begun: web3, web4",
        "web1: look at it",
        "status.yml -i '/etc/my hosts' --limit web2`",
        "`ansible-playbook fleet.yml -i '/etc/my hosts' --limit 'web*:!db' -e tier=1 -e version=v1 "
        "-e 'reason=errors <everywhere>' -e batch=2`",
    ):
        assert text in told
    # There is nothing to undo on a host that went forward again.
    assert "undo.yml" not in told


def test_every_host_that_failed_fails_with_its_own_words_and_no_other_does(bad: dict[str, Any]) -> None:
    assert _fleet_report.unwell(bad) == {
        "web1": "failed; the state before was put back: not healthy | <b>\nHINT: look at it",
        "web2": "unreachable: no route to host\nHINT: The report of the fleet says what to do.",
    }


def test_a_fleet_within_its_share_has_failed_in_part_all_the_same() -> None:
    found = report(*map(done, HOSTS[:4]), result("web4", failed=True, msg="no such version"), failures="100%")
    assert (found["outcome"], found["why"]) == ("failed", None)
    assert "FAILED in part: 4 succeeded, 1 failed" in _fleet_report.headline(found)
    assert set(_fleet_report.unwell(found)) == {"web4"}


def test_a_host_that_told_nothing_is_in_the_report() -> None:
    found = report(*map(done, ["web0", "web1", "web3", "web4"]))
    assert found["hosts"][2]["outcome"] == "failed"
    assert "  web2 (batch 1): failed: the output of the run says why" in _fleet_report.lines(found)


def test_a_hint_that_many_hosts_have_is_told_once() -> None:
    found = report(done("web0"), *(result(host, failed=True, msg="x\nHINT: mend it") for host in HOSTS[1:3]))
    assert [step for step in _fleet_report.next_steps(found) if "mend it" in step] == ["web1, web2: mend it"]


def test_a_host_that_could_not_go_forward_is_told(bad: dict[str, Any]) -> None:
    stuck = result("web0", failed=True, msg="no room\nHINT: make some")
    full = {**bad, "hosts": [{**bad["hosts"][0], "forward": stuck}, *bad["hosts"][1:]]}
    assert _fleet_report.unwell(full)["web0"] == "succeeded; did NOT go forward again: no room\nHINT: make some"
    assert "undo.yml -i '/etc/my hosts' --limit web0" in "\n".join(_fleet_report.lines(full))


@pytest.mark.parametrize("name", ["well", "bad"])
def test_all_documents_tell_the_same_of_every_host(name: str, request: pytest.FixtureRequest) -> None:
    full = request.getfixturevalue(name)
    assert json.loads(json.dumps(full)) == full
    markdown, page = _fleet_report.markdown(full), _fleet_report.html(full)
    for each in full["hosts"]:
        assert f"| {each['host']} | {each['batch']} | {_fleet_report.told(each)} |" in markdown
        assert f">{each['host']}</span></th>" in page
        if each["report"]:
            assert each["report"] in markdown
            assert each["report"] in page
    assert "team lead" in markdown
    assert "team lead" in page


def test_what_comes_from_outside_breaks_out_of_neither_table_nor_page(bad: dict[str, Any]) -> None:
    assert "not healthy \\| <b>" in _fleet_report.markdown(bad)
    page = _fleet_report.html(bad)
    assert "<b>" not in page
    assert "<everywhere>" not in page
    ElementTree.fromstring(page[page.index("<body>") : page.rindex("</html>")])


def test_the_picture_has_a_bar_for_each_turn_at_its_time(well: dict[str, Any]) -> None:
    page = _fleet_report.html(well)
    assert page.count("<rect ") == 4
    # Ten of sixty seconds after the start, of the 600 that are drawn on.
    assert page.count('x="320.0"') == 4
    nobody = report(result("web0", failed=True, msg="x"))
    assert "<svg" not in _fleet_report.html(nobody)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"tier": "2", "version": "v1"}, "Tier 2 rollback to v1"),
        ({"tier": "3", "component": "api,web", "version": "v1"}, "Tier 3 rollback of api,web to v1"),
        ({"tier": "3", "flags": "AI=false"}, "Tier 3 rollback of AI=false"),
    ],
)
def test_what_was_asked_for_is_said(given: dict[str, str], asked: str) -> None:
    planned = _fleet.plan(["web0"])
    full = _fleet_report.record(RUN, given, planned, [done("web0")], [], ENDED)
    assert _fleet_report.headline(full).startswith(f"{asked} of 1 hosts succeeded")
