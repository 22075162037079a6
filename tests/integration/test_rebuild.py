# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 to a version whose images nobody has any more: refused, or built again from its git commit if told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import checkout
from ansible_collections.tiered.rollback.tests.support.checkout import git, lose, release
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import DATABASE, Tier2Sqlite


class Life:
    """One life of a stack, told once for all tests of this file."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.tier2 = Tier2Sqlite(stack)
        self.outcomes: dict[str, Outcome] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.images: dict[str, dict[str, str]] = {}
        self.orders: dict[str, str] = {}
        self.points: dict[str, list[str]] = {}
        self.answers: dict[str, str | None] = {}

    def note(self, name: str, outcome: Outcome | None = None) -> None:
        """Note what is there after a chapter."""
        if outcome:
            self.outcomes[name] = outcome
        self.tags[name] = self.stack.tags()
        self.images[name] = self.stack.image_ids()
        self.orders[name] = self.tier2.orders()
        self.points[name] = self.stack.points()
        self.answers[name] = self.stack.ask("/api/status").version

    def back(self, name: str, *arguments: str, **variables: Any) -> None:
        """Roll back to v0.9.0."""
        self.note(name, self.stack.run("tier2-standard.yml", *arguments, version="v0.9.0", **variables))

    def describe(self) -> None:
        """Describe a stack whose image is built from its checkout, with a secret that is not in there."""
        stack = self.stack
        services, volumes = self.tier2.describe()
        # What a build names besides must not be moved either.
        checkout.buildable(stack, services["api"], tags=[f"{stack.project}/api:also"], secrets=["key"])
        stack.compose(services, volumes=volumes, secrets={"key": {"file": "./key"}})
        checkout.begin(stack)
        stack.write("key", "of the private package index")


@pytest.fixture(scope="module")
def life(make_stack: Any) -> Life:
    told = Life(make_stack())
    stack = told.stack
    told.describe()
    release(stack, "v0.9.0")
    told.tier2.fill()
    stack.capture("v0.9.0")
    told.note("old")
    release(stack, "v1.0.0")
    told.tier2.sql("UPDATE orders SET state = 'lost' WHERE id <= 10")
    lose(told.images["old"]["api"])
    told.note("new")
    told.back("refused")
    told.back("checked", "--check", "--diff", rebuild=True)
    (stack.src / "key").rename(stack.src / "key.gone")
    told.back("broken", rebuild=True)
    (stack.src / "key.gone").rename(stack.src / "key")
    told.back("rebuilt", rebuild="true")
    told.back("again", rebuild=True)
    told.note("undone", stack.undo())
    told.back("later")
    return told


def test_without_being_told_the_run_is_refused_and_says_how(life: Life) -> None:
    outcome = life.outcomes["refused"]
    assert outcome.rc != 0
    for words in ("the image of api", "cannot be pulled", "-e rebuild=true"):
        assert words in outcome.said
    assert (life.tags["refused"], life.images["refused"]) == (life.tags["new"], life.images["new"])


def test_check_mode_says_what_it_would_build_shows_the_plan_and_moves_nothing(life: Life) -> None:
    outcome = life.outcomes["checked"].ok()
    for words in ("build api", "prove v0.9.0-", f"swap_database {DATABASE}", "stop_first api"):
        assert words in outcome.output
    assert (life.tags["checked"], life.points["checked"]) == (life.tags["new"], life.points["new"])
    assert life.answers["checked"] == "v1.0.0"


def test_a_build_that_fails_leaves_everything_as_it_was(life: Life) -> None:
    outcome = life.outcomes["broken"]
    assert outcome.rc != 0
    assert "cannot be built again" in outcome.said
    assert (life.tags["broken"], life.points["broken"]) == (life.tags["new"], life.points["new"])
    assert life.images["broken"] == life.images["new"]


def test_the_version_is_built_again_and_serves_with_its_data(life: Life) -> None:
    life.outcomes["rebuilt"].ok()
    assert life.answers["rebuilt"] == "v0.9.0"
    assert life.orders["rebuilt"] == life.orders["old"] != life.orders["new"]
    (point,) = [name for name in life.points["rebuilt"] if name.endswith("-rebuilt")]
    manifest, (source,) = life.stack.manifest(point), [n for n in life.points["old"] if n.startswith("v0.9.0")]
    assert manifest["rebuilt_from"] == source
    assert life.images["rebuilt"]["api"] == manifest["services"]["api"]["image_id"]
    assert life.stack.ledger()[0]["target"] == point


def test_the_build_moves_no_name_of_what_runs(life: Life) -> None:
    project, ours = life.stack.project, f"tiered-rollback/{life.stack.name}/api:"
    new, rebuilt = life.tags["new"], life.tags["rebuilt"]
    changed = {name for name in {*new, *rebuilt} if new.get(name) != rebuilt.get(name)}
    # The rollback itself moves the one name that its Compose file gives the image.
    assert {name for name in changed if not name.startswith("tiered-rollback/")} == {f"{project}/api:production"}
    assert any(name.startswith(ours) and name.endswith("-rebuilt") for name in changed)
    assert rebuilt[f"{project}/api:also"] == life.images["new"]["api"]


def test_checkout_and_state_directory_are_left_without_a_trace(life: Life) -> None:
    assert git(life.stack.src, "worktree", "list").count("\n") == 0
    assert git(life.stack.src, "rev-parse", "HEAD") == git(life.stack.src, "rev-parse", "v1.0.0")
    assert not (life.stack.state / life.stack.name / "rebuild").exists()


def test_copies_of_databases_are_shared(life: Life) -> None:
    copies = [list((life.stack.restore_points / name / "databases").rglob("*")) for name in life.stack.points("v0.9.0")]
    inodes = [{path.stat().st_ino for path in found if path.is_file()} for found in copies]
    assert len(inodes) == 2
    assert inodes[0] == inodes[1] != set()


def test_the_same_command_again_builds_nothing_and_keeps_what_was_written(life: Life) -> None:
    assert life.outcomes["again"].ok().recap["changed"] == 0
    assert "is what runs already" in life.outcomes["again"].output
    assert life.points["again"] == life.points["rebuilt"]


def test_an_undo_and_a_later_rollback_need_no_further_build(life: Life) -> None:
    life.outcomes["undone"].ok()
    assert (life.answers["undone"], life.images["undone"]) == ("v1.0.0", life.images["new"])
    life.outcomes["later"].ok()
    assert (life.answers["later"], life.images["later"]) == ("v0.9.0", life.images["rebuilt"])
