# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, once from beginning to end on one stack; each test looks at one aspect of what happened.

v0.9.0 is captured; v1.0.0 moves the tag, changes ``.env``, the Compose file (a service more) and a mounted
configuration file; then: check, roll back, again, undo, again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.client import Answer
from ansible_collections.tiered.rollback.tests.support.page import Page
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Snapshot, Stack


@dataclass
class Moment:
    """The stack at one moment, with the run that led to it."""

    outcome: Outcome | None
    snapshot: Snapshot
    images: dict[str, str]
    ids: dict[str, list[str]]
    answer: Answer
    healthy: bool
    report: dict[str, Any] = field(default_factory=dict)
    markdown: str = ""


class Story:
    """Moments by name, in order."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.moments: dict[str, Moment] = {}

    def note(self, name: str, outcome: Outcome | None = None) -> None:
        stack = self.stack
        if outcome:
            print(f"{name}: {outcome.seconds:.1f} s")
        report, markdown = stack.report() if stack.ledger() else ({}, "")
        self.moments[name] = Moment(
            outcome,
            stack.snapshot(),
            stack.image_ids(),
            stack.ids(),
            stack.ask("/api/status"),
            stack.healthy(),
            report,
            markdown,
        )

    def __getitem__(self, name: str) -> Moment:
        return self.moments[name]

    def outcome(self, name: str) -> Outcome:
        found = self.moments[name].outcome
        assert found is not None
        return found


def deploy(stack: Stack, version: str, *, newer: bool) -> None:
    services = {
        "api": stack.published(environment={"GREETING": "${GREETING}"}),
        "reader": stack.service("steady:1", volumes=["./settings.conf:/config/settings.conf:ro"]),
        "steady": stack.service("steady:1"),
    }
    if newer:
        services["added"] = stack.service("steady:1")
    stack.compose(services)
    stack.write(".env", f"GREETING=hello from {version}\n# {'long ' * 50}\n", mode=0o640)
    stack.write("settings.conf", f"colour = {'red' if newer else 'green'}\n")
    stack.deploy(version)


@pytest.fixture(scope="module")
def story(make_stack: Any) -> Story:
    stack: Stack = make_stack()
    stack.description["config"] = ["compose.yml", ".env", "settings.conf"]
    # Without a version of its own, as a proxy's or a database's image.
    stack.tag("steady:1", "", unique="steady")
    told = Story(stack)
    deploy(stack, "v0.9.0", newer=False)
    stack.capture("v0.9.0")
    told.note("old")
    deploy(stack, "v1.0.0", newer=True)
    told.note("new")
    told.note("checked", stack.rollback("v0.9.0", "--check", "--diff"))
    told.note("rolled back", stack.rollback("v0.9.0", "--diff", reason="errors on every page"))
    told.note("again", stack.rollback("v0.9.0"))
    told.note("undone", stack.undo())
    told.note("undone again", stack.undo())
    return told


def test_check_mode_moves_nothing(story: Story) -> None:
    assert story.outcome("checked").rc == 0, story.outcome("checked").output
    assert story["checked"].snapshot == story["new"].snapshot


def test_check_mode_shows_the_plan_that_the_real_run_executes(story: Story) -> None:
    def plan(name: str) -> list[str]:
        shown = story.outcome(name).task("Go to v0.9.0")
        return [line for line in shown.splitlines() if line.startswith(("+", "-"))]

    assert plan("checked") == plan("rolled back")
    for subject in ("compose.yml", ".env", "settings.conf", "api:production", "stop_first api", "reader", "added"):
        assert any(subject in line for line in plan("checked")), f"the plan does not name {subject}"


def test_check_mode_does_not_show_what_is_in_the_files(story: Story) -> None:
    assert "colour" not in story.outcome("checked").output
    assert "hello from" not in story.outcome("checked").output


def test_the_old_image_runs_by_id_and_the_users_see_the_old_version(story: Story) -> None:
    assert story.outcome("rolled back").rc == 0, story.outcome("rolled back").output
    assert story["rolled back"].images == story["old"].images
    assert story["rolled back"].answer.version == "v0.9.0"
    assert story["rolled back"].healthy


def test_the_tag_in_the_compose_file_points_to_the_old_image(story: Story) -> None:
    name = f"{story.stack.project}/api:production"
    assert story["rolled back"].snapshot.tags[name] == story["old"].images["api"]


def test_files_are_back_byte_for_byte_with_their_modes(story: Story) -> None:
    assert story["rolled back"].snapshot.files == story["old"].snapshot.files
    assert story["rolled back"].snapshot.files[".env"][0] == 0o640


def test_the_environment_of_the_old_version_is_in_effect(story: Story) -> None:
    assert story["rolled back"].answer.document["greeting"] == "hello from v0.9.0"


def test_a_service_whose_image_and_files_did_not_change_keeps_its_container(story: Story) -> None:
    assert story["rolled back"].ids["steady"] == story["new"].ids["steady"] == story["undone"].ids["steady"]


def test_a_service_whose_mounted_file_changed_is_made_anew(story: Story) -> None:
    assert story["rolled back"].ids["reader"] != story["new"].ids["reader"]
    assert story["rolled back"].images["reader"] == story["new"].images["reader"]


def test_a_service_that_only_the_newer_version_had_is_removed_and_comes_back_with_undo(story: Story) -> None:
    assert "added" in story["new"].ids
    assert "added" not in story["rolled back"].ids
    assert "added" in story["undone"].ids
    assert story["undone"].images["added"] == story["new"].images["added"]


def test_rolling_back_to_what_runs_says_so_and_touches_nothing(story: Story) -> None:
    outcome = story.outcome("again")
    assert outcome.rc == 0, outcome.output
    assert outcome.recap["changed"] == 0
    assert "v0.9.0" in outcome.output
    assert "is what runs already" in outcome.output
    assert story["again"].snapshot == story["rolled back"].snapshot


def test_undo_brings_images_and_files_of_the_newer_version_back(story: Story) -> None:
    assert story.outcome("undone").rc == 0, story.outcome("undone").output
    assert story["undone"].images == story["new"].images
    assert story["undone"].snapshot.files == story["new"].snapshot.files
    assert story["undone"].answer.version == "v1.0.0"
    assert story["undone"].healthy


def test_undo_twice_changes_nothing_the_second_time(story: Story) -> None:
    assert story.outcome("undone again").rc == 0, story.outcome("undone again").output
    assert story.outcome("undone again").recap["changed"] == 0
    assert story["undone again"].snapshot == story["undone"].snapshot


def test_page_markdown_and_json_tell_the_same(story: Story) -> None:
    report, text = story["rolled back"].report, story["rolled back"].markdown
    path = story.stack.state / story.stack.name / "reports" / f"{report['run']}.html"
    page = Page(path.read_text(encoding="utf-8"))
    page.refuse_what_is_not_in_it()
    outage, undo = f"{report['outage']:.2f} s", f"ansible-playbook undo.yml -e run={report['run']}"
    for told in (outage, undo, "errors on every page", *(check["name"] for check in report["checks_after"])):
        assert told in text
        assert told in page.text
    assert f"{story.stack.name} is back on v0.9.0" in page.text
    pictures = [attributes["aria-label"] or "" for tag, attributes in page.elements if tag == "svg"]
    assert outage in pictures[0]
    assert f"127.0.0.1:{story.stack.port}" in pictures[1]


def test_the_outage_that_is_drawn_is_the_one_that_is_told(story: Story) -> None:
    report = story["rolled back"].report
    silent = [end - begin for spans in report["answers"]["urls"].values() for begin, end, s in spans if s == "silent"]
    assert max(silent) == pytest.approx(report["outage"], abs=0.01)
    assert report["outage"] == pytest.approx(
        max(end - begin for begin, end in report["answers"]["silences"].values()), abs=0.01
    )


def test_the_incident_report_is_filled_in(story: Story) -> None:
    report = story["rolled back"].report
    path = story.stack.state / story.stack.name / "reports" / f"{report['run']}.incident.md"
    text = path.read_text(encoding="utf-8")
    for told in ("errors on every page", "[x] Tier 1", "Service restored: every URL", f"{report['outage']:.2f} s"):
        assert told in text
    assert "Technical cause: **TO BE FILLED IN" in text


def test_the_report_says_from_what_to_what_why_and_how_long(story: Story) -> None:
    report, text = story["rolled back"].report, story["rolled back"].markdown
    assert (report["kind"], report["outcome"]) == ("rollback", "succeeded")
    assert (report["from_version"], report["to_version"]) == ("v1.0.0", "v0.9.0")
    assert report["reason"] == "errors on every page"
    assert 0 < report["duration"] < 300
    assert 0 < report["outage"] < report["duration"]
    assert all(check["ok"] for check in report["checks_after"])
    for expected in ("v1.0.0 to v0.9.0", "errors on every page", "undo.yml -e run=", "stop_first"):
        assert expected in text


def test_the_ledger_chain_holds(story: Story) -> None:
    entries = story.stack.ledger()
    assert [(entry["kind"], entry["outcome"]) for entry in entries] == [
        ("rollback", "succeeded"),
        ("undo", "succeeded"),
    ]
    previous = "0" * 64
    for number, entry in enumerate(entries, start=1):
        rest = {key: value for key, value in entry.items() if key != "hash"}
        text = json.dumps(rest, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
        assert (entry["sequence"], entry["previous"]) == (number, previous)
        assert entry["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = entry["hash"]


def test_state_is_readable_by_its_owner_only(story: Story) -> None:
    root = story.stack.state / story.stack.name
    loose = [path for path in [root, *root.rglob("*")] if path.stat().st_mode & 0o077]
    assert not loose


def test_status_lists_versions_and_history(story: Story) -> None:
    before = story.stack.snapshot()
    said = story.stack.run("status.yml").ok().said
    assert "v0.9.0" in said
    assert "rollback" in said
    assert "undo" in said
    assert story.stack.snapshot() == before
