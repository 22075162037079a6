# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _data, _journal, _ledger
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


@pytest.fixture
def shop(deployment: Any) -> Any:
    """The one database of the stack; the point v0.9.0 that the operator captures holds its row "first"."""
    return deployment.add_database()


@pytest.fixture
def operator(shop: Any, operator: Any) -> Any:
    """Someone whose first capture holds the database already."""
    return operator


@pytest.fixture
def migrated(shop: Any, operator: Any) -> Any:
    """What v1.0.0 did to it."""
    shop.rows = ["first", "second"]
    shop.version = "2"
    shop.calls.clear()
    return shop


def _report(operator: Any, number: int) -> dict[str, Any]:
    (path,) = (operator.deployment.state / "reports").glob(f"*-{number:06x}.json")
    return dict(json.loads(path.read_text()))


def test_tier_2_brings_the_data_back_and_keeps_every_row(operator: Any, migrated: Any) -> None:
    result = operator.switch(tier=2)
    assert migrated.rows == ["first"]
    assert [rows for _identity, rows, run in migrated.beside.values() if run] == [["first", "second"]]
    assert migrated.open
    assert result["databases"]["shop"]["displaced"] == f"displaced-{operator.build.run(1).id}"
    assert result["record"]["loss"] == {"shop": [{"table": "t", "added": 1, "removed": 0, "changed": 0}]}
    assert [step.split()[0] for step in result["actions"]] == [
        "write_file",
        "swap_database",
        "stop_first",
        "stop_first",
    ]


def test_the_copy_and_the_restore_come_before_anybody_is_stopped(operator: Any, migrated: Any) -> None:
    operator.deployment.world.calls.clear()
    operator.switch(tier=2)
    phases = [phase["name"] for phase in _report(operator, 1)["phases"]]
    assert phases.index("copy shop") < phases.index("restore shop aside") < phases.index("stop writers")
    assert phases.index("stop writers") < phases.index("exchange") < phases.index("containers")
    assert migrated.calls == ["capture", "stage", "gather_statistics", "settle", "keep_out", "swap", "let_in"]


def test_check_mode_tells_the_plan_and_moves_nothing(operator: Any, migrated: Any) -> None:
    before = operator.deployment.trees()
    foretold = operator.switch(tier=2, check_mode=True)
    assert (operator.deployment.trees(), migrated.calls, migrated.beside) == (before, [], {})
    assert foretold["actions"] == operator.switch(tier=2)["actions"]


def test_the_same_command_again_keeps_what_was_written_since(operator: Any, migrated: Any) -> None:
    operator.switch(tier=2)
    migrated.rows.append("after the rollback")
    assert not operator.switch(2, tier=2)["changed"]
    assert migrated.rows == ["first", "after the rollback"]


def test_an_undo_brings_the_displaced_rows_back_and_keeps_those_since(operator: Any, migrated: Any) -> None:
    operator.switch(tier=2)
    migrated.rows.append("after the rollback")
    migrated.calls.clear()
    operator.switch(2, kind="undo", version=None)
    assert migrated.rows == ["first", "second"]
    assert "stage" not in migrated.calls
    assert [rows for _identity, rows, run in migrated.beside.values() if run] == [["first", "after the rollback"]]
    assert operator.deployment.running() == dict.fromkeys(("api", "web"), operator.build.image_id("v1.0.0"))


def test_an_undo_restores_the_copy_where_the_displaced_database_is_gone(operator: Any, migrated: Any) -> None:
    operator.switch(tier=2)
    migrated.beside.clear()
    operator.switch(2, kind="undo", version=None)
    assert migrated.rows == ["first", "second"]


def test_a_target_that_does_not_get_healthy_brings_the_data_back_too(operator: Any, migrated: Any) -> None:
    operator.deployment.world.sick.add(operator.build.image_id("v0.9.0"))
    with pytest.raises(RollbackError, match="was put back"):
        operator.switch(tier=2)
    assert (migrated.rows, migrated.open, migrated.identity()) == (["first", "second"], True, "shop-original")
    assert "databases" not in _ledger.entries(operator.deployment.state)[-1]


@pytest.mark.parametrize("moment", ["capture", "stage", "keep_out", "swap", "let_in"])
@pytest.mark.parametrize("then", ["continued", "undone"])
def test_killed_at_any_step_it_is_continued_or_undone_and_no_row_is_lost(
    operator: Any, migrated: Any, moment: str, then: str
) -> None:
    class Killed(BaseException):
        """Nothing runs after a kill, so the module's own way back must not either."""

    migrated.failing[moment] = Killed()
    with pytest.raises(Killed):
        operator.switch(1, tier=2)
    rows = [migrated.rows, *(rows for _identity, rows, _run in migrated.beside.values())]
    assert ["first", "second"] in rows
    dead = {"dead_run": operator.build.run(1).id}
    if then == "continued":
        operator.switch(2, tier=2, **dead)
        assert migrated.rows == ["first"]
        assert ["first", "second"] in [rows for _identity, rows, _run in migrated.beside.values()]
    elif _journal.load(operator.deployment.state) is None:
        assert (migrated.rows, migrated.open) == (["first", "second"], True)
    else:
        operator.switch(2, kind="undo", version=None, **dead)
        assert migrated.rows == ["first", "second"]
    assert migrated.open


@pytest.mark.parametrize(("then", "removed"), [("rollback", False), ("undo", True)])
def test_what_a_killed_run_left_half_restored_is_removed_by_who_goes_elsewhere(
    operator: Any, migrated: Any, then: str, removed: bool
) -> None:
    migrated.failing["stage"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        operator.switch(1, tier=2)
    target = _journal.load(operator.deployment.state)
    assert target is not None
    version = {} if then == "rollback" else {"version": None}
    operator.switch(2, tier=2, kind=then, dead_run=operator.build.run(1).id, **version)
    assert (f"discard half-made {target.target}" in migrated.calls) == removed


def test_what_a_killed_run_exchanged_counts_as_restored_once_another_has_continued_it(
    operator: Any, migrated: Any
) -> None:
    migrated.failing["let_in"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        operator.switch(1, tier=2)
    result = operator.switch(2, tier=2, dead_run=operator.build.run(1).id)
    assert result["databases"]["shop"]["displaced"] == f"displaced-{operator.build.run(1).id}"
    migrated.rows.append("after the rollback")
    assert not operator.switch(3, tier=2)["changed"]
    assert migrated.rows == ["first", "after the rollback"]


def test_where_the_second_of_two_servers_fails_the_first_is_taken_back(operator: Any, migrated: Any) -> None:
    deployment = operator.deployment
    audit = deployment.add_database("audit", group="zweiter server")
    deployment.deploy("v0.9.0")
    operator.capture("v0.9.5")
    deployment.deploy("v1.0.0")
    migrated.rows, audit.rows = ["first", "third"], ["first", "fourth"]
    audit.failing["swap"] = RollbackError("the server went away")
    with pytest.raises(RollbackError, match="the server went away"):
        operator.switch(tier=2, version="v0.9.5")
    assert migrated.calls.count("swap") == 2
    assert (migrated.rows, audit.rows) == (["first", "third"], ["first", "fourth"])
    assert migrated.open
    assert audit.open


def test_a_database_that_cannot_be_copied_is_put_aside_all_the_same_and_undone(operator: Any, migrated: Any) -> None:
    migrated.failing["capture"] = RollbackError("page 7 is corrupt")
    operator.switch(tier=2)
    assert migrated.rows == ["first"]
    operator.switch(2, kind="undo", version=None)
    assert migrated.rows == ["first", "second"]


def test_a_damaged_database_goes_back_though_nothing_can_be_read_of_it(operator: Any, migrated: Any) -> None:
    broken = RollbackError("page 7 is corrupt")
    migrated.failing = {"capture": broken, "schema": broken, "loss": broken}
    record = operator.switch(tier=2)["record"]
    assert migrated.rows == ["first"]
    assert record["not_compared"] == ["shop could not be compared: page 7 is corrupt"]
    (report,) = (operator.deployment.state / "reports").glob("*.json")
    assert (
        "unknown: shop could not be compared: page 7 is corrupt; the displaced" in report.with_suffix(".md").read_text()
    )


def test_where_neither_copy_nor_displaced_database_is_left_the_undo_says_so(operator: Any, migrated: Any) -> None:
    migrated.failing["capture"] = RollbackError("page 7 is corrupt")
    operator.switch(tier=2)
    migrated.beside.clear()
    with pytest.raises(RollbackError, match="holds no copy of shop"):
        operator.switch(2, kind="undo", version=None)
    assert (migrated.rows, migrated.open) == (["first"], True)


def test_a_point_that_holds_a_database_nobody_describes_is_refused(operator: Any, migrated: Any) -> None:
    operator.deployment.databases.clear()
    operator.deployment.raw["postgres"] = []
    with pytest.raises(RollbackError, match="describes no database"):
        operator.switch(tier=2)


def test_tier_1_across_a_migration_names_tier_2(operator: Any, migrated: Any) -> None:
    with pytest.raises(RollbackError, match="another schema") as caught:
        operator.switch(tier=1)
    assert "tier2-standard.yml" in caught.value.hint
    operator.switch(tier=1, schema_compatible=True)
    assert migrated.rows == ["first", "second"]


@pytest.mark.parametrize("keep", [False, True])
def test_a_capture_is_proven_by_restoring_it_aside(deployment: Any, operator: Any, shop: Any, keep: bool) -> None:
    shop.calls.clear()
    point = operator.capture("v1.0.0", keep_prepared=keep)["restore_point"]
    assert shop.calls == ["capture", "stage", "gather_statistics" if keep else "discard"]
    assert list(shop.beside) == ([f"prepared-{point}"] if keep else [])
    assert deployment.context().store.proven(point)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_killed_run_is_not_continued_in_a_tier_that_treats_data_otherwise(
    operator: Any, shop: Any, first: int, second: int
) -> None:
    operator.begin(1, tier=first)
    dead = {"dead_run": operator.build.run(1).id}
    with pytest.raises(RollbackError, match="was not finished, and it") as caught:
        operator.switch(2, tier=second, **dead)
    assert "undo.yml" in caught.value.hint
    operator.switch(3, tier=first, dead_run=operator.build.run(2).id)
    assert operator.deployment.running() == dict.fromkeys(("api", "web"), operator.build.image_id("v0.9.0"))


def test_a_capture_that_was_not_proven_is_never_taken(operator: Any) -> None:
    operator.capture("v1.0.0", prove=False)
    with pytest.raises(RollbackError, match="was never proven"):
        operator.switch(version="v1.0.0", tier=2)


def test_a_database_counts_as_restored_as_long_as_the_newest_run_that_touched_it_says_so() -> None:
    first = {"target": "p1", "databases": {"shop": {"identity": "1"}}}
    second = {"target": "p2", "databases": {"shop": {"identity": "2"}}}
    assert _data._restored("shop", "1", [first]) == "p1"
    assert _data._restored("shop", "1", [first, second]) is None
    assert _data._restored("shop", "2", [first, second, {"target": "p3"}]) == "p2"
    assert _data._restored("audit", "1", [first]) is None
