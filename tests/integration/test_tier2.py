# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 on a real PostgreSQL, and on SQLite in a service's volume, each under a writer that never rests: refused,
foretold, done, done again, undone, cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2 import PASSWORD, Story, Tier2
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import Tier2Sqlite


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs between the two kinds of database.

    :param rows: of the table that the migration ruins, before it does.
    :param added: how many of its rows are new by the migration.
    """

    make: type[Tier2 | Tier2Sqlite]
    displaced: str
    table: str
    rows: int
    added: int
    writer: str

    @property
    def database(self) -> str:
        return self.make.DATABASE


KINDS = {
    "postgres": Kind(
        make=Tier2, displaced="shop_displaced_{run}", table="public.orders", rows=500, added=1, writer="writer"
    ),
    "sqlite": Kind(
        make=Tier2Sqlite, displaced="library.db.displaced-{run}", table="orders", rows=400, added=0, writer="clerk"
    ),
}
Told = Story[Tier2 | Tier2Sqlite]


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def story(make_stack: Any, kind: Kind) -> Told:
    stack: Stack = make_stack()
    told: Told = Story(kind.make(stack))
    told.tier2.begin()
    told.note("old", stack.run("restore-point.yml", version="v0.9.0"))
    told.tier2.wait_written(1)
    captured = told.tier2.acknowledged()
    told.tier2.migrate()
    told.note("new")
    told.rows["since"] = told.rows["new"] - captured
    told.note("tier 1", stack.rollback("v0.9.0"))
    told.note("checked", stack.run("tier2-standard.yml", "--check", "--diff", version="v0.9.0"))
    told.note("rolled back", stack.run("tier2-standard.yml", version="v0.9.0", reason="the migration ruined orders"))
    told.tier2.wait_written(5)
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).resolve().parents[2] / ".collections")}
    told.note("again", stack.run("tiered.rollback.tier2_standard", env=collections, version="v0.9.0"))
    told.note("undone", stack.undo())
    told.tier2.wait_written(5)
    told.note("cleaned", stack.run("cleanup.yml", days=0))
    return told


def test_the_capture_restores_the_copy_aside_and_leaves_nothing_there(story: Told, kind: Kind) -> None:
    story.outcomes["old"].ok()
    assert story.databases["old"] == [kind.database]
    manifest = story.stack.manifest(story.stack.points("v0.9.0")[0])
    assert manifest["databases"][kind.database]["tables"][kind.table] == kind.rows


def test_tier_1_across_the_migration_is_refused_and_names_tier_2(story: Told, kind: Kind) -> None:
    outcome = story.outcomes["tier 1"]
    assert outcome.rc != 0
    assert f"{kind.database} has another schema" in outcome.said
    assert "tier2-standard.yml -e version=v0.9.0" in outcome.said
    assert story.images["tier 1"] == story.images["new"]


def test_check_mode_shows_the_plan_and_moves_nothing(story: Told, kind: Kind) -> None:
    outcome = story.outcomes["checked"].ok()
    for words in (f"swap_database {kind.database}", "stop_first api", f"restart {kind.writer}"):
        assert words in outcome.output
    assert (story.databases["checked"], story.orders["checked"]) == ([kind.database], story.orders["new"])
    assert story.images["checked"] == story.images["new"]


def test_images_and_data_are_as_captured(story: Told) -> None:
    story.outcomes["rolled back"].ok()
    assert story.orders["rolled back"] == story.orders["old"] != story.orders["new"]
    assert story.images["rolled back"] == story.images["old"]


def test_no_row_of_the_database_before_shows_in_the_restored_one(story: Told) -> None:
    """Such as by SQLite's log, replayed over it."""
    assert story.rows["since"]
    assert not story.rows["since"] & story.rows["rolled back"]


def test_the_displaced_database_is_named_after_the_run(story: Told, kind: Kind) -> None:
    run = story.stack.ledger()[0]["run"]
    (displaced,) = set(story.databases["rolled back"]) - {kind.database}
    assert displaced == kind.displaced.format(run=run)


def test_the_report_says_what_would_be_lost_by_table(story: Told, kind: Kind) -> None:
    reports = sorted((story.stack.state / story.stack.name / "reports").glob("*.json"))
    text = reports[0].with_suffix(".md").read_text()
    assert f"| {kind.database} | {kind.table} | {kind.added} | " in text
    assert "kept in the displaced databases" in text


def test_the_same_command_again_keeps_what_was_written_since(story: Told) -> None:
    assert "is what runs already" in story.outcomes["again"].ok().output
    assert story.databases["again"] == story.databases["rolled back"]


def test_the_undo_brings_back_the_data_as_it_was_before(story: Told) -> None:
    story.outcomes["undone"].ok()
    assert story.orders["undone"] == story.orders["new"]
    assert story.images["undone"] == story.images["new"]
    assert story.rows["since"] <= story.rows["undone"]


def test_clean_up_never_removes_the_newest(story: Told) -> None:
    story.outcomes["cleaned"].ok()
    assert len(story.databases["cleaned"]) == 2


def test_the_password_shows_nowhere(story: Told) -> None:
    assert not [name for name, outcome in story.outcomes.items() if PASSWORD in outcome.output]
    state = [path for path in story.stack.state.rglob("*") if path.is_file()]
    # The compose file of this test holds it, and a restore point holds the compose file.
    mine = [path for path in state if path.name not in ("compose.yml", "compose.json")]
    assert not [path for path in mine if PASSWORD.encode() in path.read_bytes()]
