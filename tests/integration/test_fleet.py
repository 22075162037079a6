# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four stacks as four hosts: foretold, stopped with one unreachable, gone forward again, and rolled back by every tier.

That a canary keeps everybody else from harm is Molecule's ``fleet_canary``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import playbook
from ansible_collections.tiered.rollback.tests.support.fleet import GONE, Fleet
from ansible_collections.tiered.rollback.tests.support.inbox import Inbox, opened
from ansible_collections.tiered.rollback.tests.support.stack import Stack

OLD, NEW = "v0.9.0", "v1.0.0"


@pytest.fixture(scope="module")
def fleet(make_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """v0.9.0 is captured everywhere, v1.0.0 runs."""
    made = Fleet(tmp_path_factory.mktemp("fleet"), [make_stack() for _number in range(4)])
    for version in (OLD, NEW):
        made.stacks[0].images.get(version)

    def deploy(stack: Stack, version: str) -> None:
        stack.deploy(version)
        with closing(sqlite3.connect(database(stack))) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, version TEXT)")
            connection.execute("INSERT INTO orders (version) VALUES (?)", [version])
            connection.commit()

    for stack in made.stacks:
        stack.compose({"api": stack.published()})
        stack.description["sqlite"] = [{"name": "shop", "path": str(database(stack))}]
    made.each(partial(deploy, version=OLD))
    made.run("restore-point.yml", version=OLD).ok()
    made.each(partial(deploy, version=NEW))
    return made


def database(stack: Stack) -> Path:
    """Where a stack's SQLite file is."""
    return stack.src / "shop.db"


def orders(stack: Stack) -> list[str]:
    """Under which version each row was written."""
    with closing(sqlite3.connect(database(stack))) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM orders ORDER BY id")]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Where the fleet tells people."""
    with opened() as found:
        yield found


def runs(stack: Stack, version: str) -> bool:
    """Whether a stack runs a version, well."""
    return stack.healthy() and stack.image_ids() == {"api": stack.images.get(version)}


def test_a_fleet_from_its_plan_to_its_end(fleet: Fleet, inbox: Inbox) -> None:
    first, canary, lost, last = fleet.stacks
    before = [stack.snapshot() for stack in fleet.stacks]

    foretold = fleet.roll("--check", canary=canary.name, batch="100%").ok()
    assert [stack.snapshot() for stack in fleet.stacks] == before
    assert not fleet.reports.exists()
    assert f"canary: {canary.name}" in foretold.said
    assert f"batch 1: {first.name}, {lost.name}, {last.name}" in foretold.said
    assert "of 4 hosts succeeded: 4 planned" in foretold.said

    # One host cannot run v0.9.0 any more, one is not reached: more than half of their batch.
    first.trouble(OLD, "unhealthy")
    lost.variables.update(GONE)
    for stack in fleet.stacks:
        stack.variables["rollback_notify"] = [{"type": "webhook", "url": f"{inbox.url}/fleet"}]
    stopped = fleet.roll(canary=canary.name, batch=2, failures="50%", done="forward", reason="a drill of many")
    assert stopped.rc == 2, stopped.output
    report = fleet.report()
    assert (report["outcome"], report["counts"]) == (
        "stopped",
        {"succeeded": 1, "reverted": 1, "unreachable": 1, "not begun": 1},
    )
    found = {each["host"]: each for each in report["hosts"]}
    assert list(found) == [canary.name, first.name, lost.name, last.name]
    assert "does not get healthy" in found[first.name]["error"]
    assert "Connection refused" in found[lost.name]["error"]
    for text in (f"{first.name} (reverted)", f"{lost.name} (unreachable)", f"not begun: {last.name}"):
        assert text in stopped.said
    # What was done was taken forward again; nobody else has a run but the one that failed.
    assert [entry["kind"] for entry in canary.ledger()] == ["rollback", "undo"]
    assert found[canary.name]["forward"]["outcome"] == "succeeded"
    assert [len(stack.ledger()) for stack in (first, lost, last)] == [1, 0, 0]
    assert [last.snapshot(), lost.snapshot()] == [before[3], before[2]]
    assert all(runs(stack, NEW) for stack in fleet.stacks)
    # One fleet, and not four hosts.
    (begun, ended) = inbox.events("/fleet")
    assert begun == ("start", "Fleet of 4 hosts: Tier 1 rollback begins")
    assert ended[0] == "failure"
    assert "was STOPPED: " in ended[1]

    first.trouble("", "")
    for stack in fleet.stacks:
        stack.variables.clear()
    # With data, some of them; then the component alone, everywhere.
    fleet.roll("--limit", f"{first.name},{last.name}", canary=2, tier=2).ok()
    assert [runs(stack, OLD) for stack in fleet.stacks] == [True, False, False, True]
    ids = first.ids()
    done = fleet.roll(canary=2, batch="100%", tier=3, component="api").ok()
    assert all(runs(stack, OLD) for stack in fleet.stacks)
    assert [orders(stack) for stack in fleet.stacks] == [[OLD], [OLD, NEW], [OLD, NEW], [OLD]]
    assert first.ids() == ids
    assert fleet.outcomes() == {
        first.name: "unchanged",
        canary.name: "succeeded",
        lost.name: "succeeded",
        last.name: "unchanged",
    }
    (entry,) = [each for each in fleet.report()["hosts"] if each["host"] == lost.name]
    assert Path(entry["report"]).is_file()
    assert entry["run"] == lost.ledger()[-1]["run"]
    assert "of 4 hosts succeeded: 2 unchanged, 2 succeeded" in done.said
    kept = sorted(path.suffix for path in fleet.reports.glob(f"{fleet.report()['run']}.*"))
    assert kept == [".html", ".json", ".md"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"canary": "web9"}, "no such host in this fleet: web9"),
        ({"batch": "{{ lookup('pipe', 'touch MARKER') }}"}, "batch has an unsafe or malformed value"),
        ({"version": None}, "version is not set"),
        ({"tier": 3}, "one of the following is required: component, flags"),
        ({"hosts": 0}, "there are no hosts"),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_before_any_host_is_asked(
    tmp_path: Path, given: dict[str, Any], expected: str
) -> None:
    inventory, marker = tmp_path / "inventory.yml", tmp_path / "marker"
    values = {"tier": 1, "version": OLD, **given}
    # Whoever asks a host is told that it is unreachable.
    playbook.write_inventory(inventory, {f"web{number}": GONE for number in range(values.pop("hosts", 2))})
    told = {
        name: value.replace("MARKER", str(marker)) if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }
    outcome = playbook.run("fleet.yml", inventory, tmp_path / "home", **told)
    assert outcome.rc != 0
    assert expected in outcome.said
    assert "HINT: " in outcome.said
    assert "UNREACHABLE" not in outcome.output
    assert "Report" not in outcome.output
    assert not marker.exists()
