# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks as they are found: several Compose files, profiles, fixed names, env_file, health dependencies, and another
project name than the folder's; described by hand, and as discover.yml describes them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.tests.support.playbook import Outcome
from ansible_collections.tiered.rollback.tests.support.stack import Snapshot, Stack


def deploy(stack: Stack, version: str) -> None:
    stack.compose({"api": stack.service(env_file=["api.env"]), "base": stack.service("steady:1")})
    override = {
        "api": {
            "container_name": f"{stack.project}-the-api",
            "ports": [f"127.0.0.1:{stack.port}:8000"],
            "depends_on": {"base": {"condition": "service_healthy"}},
        },
        "helper": stack.service(profiles=["extra"], depends_on={"api": {"condition": "service_healthy"}}),
        "unused": stack.service("never-built:1", profiles=["other"]),
    }
    stack.write("prod/compose.prod.yml", yaml.safe_dump({"services": override}, sort_keys=False))
    stack.write("api.env", f"GREETING=from {version}\n")
    stack.deploy(version)


def make(make_stack: Any) -> Stack:
    stack: Stack = make_stack(project=f"trt-other-{secrets.token_hex(3)}")
    stack.tag("steady:1", "v0.1.0")
    stack.source += ["-f", "compose.yml", "-f", "prod/compose.prod.yml", "--profile", "extra"]
    return stack


@dataclass
class Story:
    """What happened to one stack of every shape at once."""

    stack: Stack
    old: Snapshot
    new: Snapshot
    back: Snapshot
    rolled: Outcome
    answer: Any


@pytest.fixture(scope="module")
def story(make_stack: Any) -> Story:
    stack = make(make_stack)
    stack.description |= {
        "project_name": stack.project,
        "files": ["compose.yml", "prod/compose.prod.yml"],
        "profiles": ["extra"],
        "config": ["compose.yml", "prod/compose.prod.yml", "api.env"],
    }
    deploy(stack, "v0.9.0")
    stack.capture("v0.9.0")
    old = stack.snapshot()
    deploy(stack, "v1.0.0")
    new = stack.snapshot()
    rolled = stack.rollback("v0.9.0")
    return Story(stack, old, new, stack.snapshot(), rolled, stack.ask())


def images(snapshot: Snapshot) -> dict[str, str]:
    """Image by container, without the number: a service that is started first gets another one."""
    return {name.rstrip("-0123456789"): image for name, (_id, image, _started) in snapshot.containers.items()}


def test_every_service_of_every_file_and_profile_in_use_is_back(story: Story) -> None:
    assert story.rolled.rc == 0, story.rolled.output
    assert images(story.back) == images(story.old)
    assert story.stack.healthy()


def test_the_fixed_container_name_and_the_other_project_name_are_kept(story: Story) -> None:
    project = story.stack.project
    assert set(images(story.back)) == {f"/{project}-the-api", f"/{project}-base", f"/{project}-helper"}


def test_files_in_folders_and_env_files_are_back_and_in_effect(story: Story) -> None:
    assert story.back.files == story.old.files
    assert story.answer.document["greeting"] == "from v0.9.0"


def test_a_dependency_that_did_not_change_is_not_restarted(story: Story) -> None:
    name = f"/{story.stack.project}-base-1"
    assert story.back.containers[name] == story.new.containers[name]


def test_a_service_of_a_profile_that_is_not_in_use_is_left_alone(story: Story) -> None:
    assert not [name for name in story.back.containers if "unused" in name]


def test_what_discover_writes_works_as_it_is(make_stack: Any) -> None:
    stack = make(make_stack)
    deploy(stack, "v0.9.0")
    old = stack.files()
    output = stack.home.parent / "discovered.yml"

    stack.description = {}
    stack.run("discover.yml", project=stack.project, output=str(output)).ok()
    stack.description = yaml.safe_load(output.read_text())["rollback_stack"]
    stack.name = stack.description["name"]
    stack.capture("v0.9.0")
    deploy(stack, "v1.0.0")
    stack.rollback("v0.9.0").ok()

    assert set(stack.image_ids().values()) == {stack.images.get("v0.9.0"), stack.images.get("v0.1.0")}
    assert stack.files() == old
    assert stack.ask().document["greeting"] == "from v0.9.0"
