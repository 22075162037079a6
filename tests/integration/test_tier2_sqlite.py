# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 on SQLite in a service's volume under a writer that never rests; and beside PostgreSQL, all or none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2 import Story
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import DATABASE, Pair, Tier2Sqlite


@pytest.fixture(scope="module")
def story(make_stack: Any) -> Story[Tier2Sqlite]:
    stack: Stack = make_stack()
    told = Story(Tier2Sqlite(stack))
    told.tier2.begin()
    told.note("old", stack.run("restore-point.yml", version="v0.9.0"))
    told.tier2.wait_written(1)
    captured = told.tier2.acknowledged()
    told.tier2.migrate()
    told.note("new")
    told.rows["since"] = told.rows["new"] - captured
    told.note("checked", stack.run("tier2-standard.yml", "--check", "--diff", version="v0.9.0"))
    told.note("rolled back", stack.run("tier2-standard.yml", version="v0.9.0", reason="the migration ruined orders"))
    told.tier2.wait_written(5)
    told.note("again", stack.run("tier2-standard.yml", version="v0.9.0"))
    told.note("undone", stack.undo())
    told.tier2.wait_written(5)
    told.note("cleaned", stack.run("cleanup.yml", days=0))
    return told


def test_the_capture_restores_the_copy_aside_and_leaves_nothing_there(story: Story[Tier2Sqlite]) -> None:
    story.outcomes["old"].ok()
    assert story.databases["old"] == [DATABASE]
    manifest = story.stack.manifest(story.stack.points("v0.9.0")[0])
    assert manifest["databases"][DATABASE]["tables"]["orders"] == 400


def test_check_mode_shows_the_plan_and_moves_nothing(story: Story[Tier2Sqlite]) -> None:
    outcome = story.outcomes["checked"].ok()
    for words in (f"swap_database {DATABASE}", "stop_first api", "restart clerk"):
        assert words in outcome.output
    assert (story.databases["checked"], story.orders["checked"]) == ([DATABASE], story.orders["new"])
    assert story.images["checked"] == story.images["new"]


def test_images_and_data_are_as_captured(story: Story[Tier2Sqlite]) -> None:
    story.outcomes["rolled back"].ok()
    assert story.orders["rolled back"] == story.orders["old"] != story.orders["new"]
    assert story.images["rolled back"] == story.images["old"]


def test_the_log_of_the_file_before_is_not_replayed_over_the_restored_one(story: Story[Tier2Sqlite]) -> None:
    assert story.rows["since"]
    assert not story.rows["since"] & story.rows["rolled back"]


def test_the_displaced_file_is_named_after_the_run(story: Story[Tier2Sqlite]) -> None:
    run = story.stack.ledger()[0]["run"]
    (displaced,) = set(story.databases["rolled back"]) - {DATABASE}
    assert displaced == f"{DATABASE}.displaced-{run}"


def test_the_report_says_what_would_be_lost_by_table(story: Story[Tier2Sqlite]) -> None:
    reports = sorted((story.stack.state / story.stack.name / "reports").glob("*.md"))
    assert f"| {DATABASE} | orders | 0 | " in reports[0].read_text()


def test_the_same_command_again_keeps_what_was_written_since(story: Story[Tier2Sqlite]) -> None:
    assert "is what runs already" in story.outcomes["again"].ok().output
    assert story.databases["again"] == story.databases["rolled back"]


def test_the_undo_brings_back_the_data_as_it_was_before(story: Story[Tier2Sqlite]) -> None:
    story.outcomes["undone"].ok()
    assert story.orders["undone"] == story.orders["new"]
    assert story.images["undone"] == story.images["new"]
    assert story.rows["since"] <= story.rows["undone"]


def test_clean_up_never_removes_the_newest(story: Story[Tier2Sqlite]) -> None:
    story.outcomes["cleaned"].ok()
    assert len(story.databases["cleaned"]) == 2


@pytest.fixture(scope="module")
def pair(make_stack: Any) -> Pair:
    made = Pair(make_stack())
    made.stack.capture("v0.9.0")
    made.postgres.migrate()
    made.sqlite.migrate()
    return made


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Let a process of this host, which no service's stop ends, hold a file open."""
    code = "import sys; held = open(sys.argv[1]); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.communicate()


def test_where_one_of_two_databases_cannot_be_exchanged_both_are_as_before(pair: Pair) -> None:
    before = pair.state()
    with held_open(pair.sqlite.live):
        outcome = pair.stack.run("tier2-standard.yml", version="v0.9.0")
    assert outcome.rc != 0
    pair.postgres.wait_written(5)
    pair.sqlite.wait_written(5)
    assert pair.state() == before
    assert not pair.missing()
    report, text = pair.stack.report()
    assert report["outcome"] == "reverted"
    assert f"{DATABASE} is open in process" in text
    assert "The state before" in text


def test_where_nothing_stands_in_the_way_both_go_back(pair: Pair) -> None:
    before = pair.state()
    pair.stack.run("tier2-standard.yml", version="v0.9.0").ok()
    assert all(new != old for new, old in zip(pair.state()[:3], before[:3], strict=True))
    pair.stack.undo().ok()
    assert pair.state() == before
    assert not pair.missing()
