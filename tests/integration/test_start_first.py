# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind a proxy: the new replica is healthy before the old one stops, and no user notices."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import proxied
from ansible_collections.tiered.rollback.tests.support.client import Load
from ansible_collections.tiered.rollback.tests.support.engine import docker
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Stack


@dataclass
class Story:
    """A rollback and a failed one, both under load."""

    stack: Stack
    outcome: Outcome
    load: Load
    events: dict[tuple[str, str], float]
    old: list[str]
    new: list[str]
    report: dict[str, Any]
    proxy_kept: bool
    failed: Outcome
    failed_load: Load
    failed_images: dict[str, str]


@contextmanager
def recorded(stack: Stack) -> Iterator[dict[tuple[str, str], float]]:
    """Note the first time of each action by container id while the block runs.

    As it happens: afterwards the engine knows only its last 256 events, of all containers, health checks included.
    """
    since = docker("info", "-f", "{{.SystemTime}}")
    wanted = [
        f"label=com.docker.compose.project={stack.project}",
        "type=container",
        "event=health_status",
        "event=kill",
    ]
    filters = [part for name in wanted for part in ("--filter", name)]
    command = ["docker", "events", "--since", since, *filters, "--format", "{{.TimeNano}} {{.Action}} {{.Actor.ID}}"]
    found: dict[tuple[str, str], float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield found
        finally:
            process.terminate()
            for line in process.communicate()[0].splitlines():
                moment, rest = line.split(maxsplit=1)
                action, _unused, container = rest.rpartition(" ")
                found.setdefault((action, container), int(moment) / 1e9)


@pytest.fixture(scope="module")
def story(make_stack: Any) -> Story:
    stack: Stack = make_stack()
    proxied.compose(stack)
    stack.deploy("v0.9.0")
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    before = stack.ids()
    with recorded(stack) as log, Load(stack.port) as load:
        outcome = stack.rollback("v0.9.0")
    after, report = stack.ids(), stack.report()[0]
    stack.deploy("v1.0.0")
    stack.trouble("v0.9.0", "unhealthy")
    with Load(stack.port) as failed_load:
        failed = stack.rollback("v0.9.0")
    return Story(
        stack,
        outcome,
        load,
        log,
        before["api"],
        after["api"],
        report,
        before["proxy"] == after["proxy"],
        failed,
        failed_load,
        stack.image_ids(),
    )


def test_no_request_fails_while_a_client_keeps_asking(story: Story) -> None:
    assert story.outcome.rc == 0, story.outcome.output
    assert len(story.load.answers) > 100
    assert story.load.failed == []
    assert story.load.versions() == {"v1.0.0", "v0.9.0"}


def test_the_new_replica_is_healthy_before_the_old_one_is_told_to_stop(story: Story) -> None:
    (new,), (old,) = story.new, story.old
    healthy = story.events[("health_status: healthy", new)]
    stopped = story.events[("kill", old)]
    assert healthy < stopped, f"{datetime.fromtimestamp(healthy)} is after {datetime.fromtimestamp(stopped)}"


def test_the_plan_says_start_first(story: Story) -> None:
    assert [step["action"] for step in story.report["plan"]["steps"] if step["subject"] == "api"] == ["start_first"]


def test_the_proxy_is_not_touched(story: Story) -> None:
    assert story.proxy_kept


def test_a_target_that_does_not_get_healthy_is_never_seen_by_a_user(story: Story) -> None:
    assert story.failed.rc != 0
    assert story.failed_load.failed == []
    assert story.failed_load.versions() == {"v1.0.0"}
    assert story.failed_images["api"] == story.stack.images.get("v1.0.0")
    assert story.stack.healthy()
    assert len(story.stack.ids()["api"]) == 1
