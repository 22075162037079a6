# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/tier3.md and docs/config.md show is run as it stands there, command by command, on such a stack."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.tests.support.parts import NEW, OLD
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT
from ansible_collections.tiered.rollback.tests.support.stack import Stack

SERVICES = ("backend", "frontend", "database", "mcp-browser")


def commands(page: str) -> list[list[str]]:
    """Return the commands of a page, in order."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("    ansible-playbook ")]


def blocks(page: str) -> list[Any]:
    """Return the YAML blocks of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def here(stack: Stack, value: Any) -> Any:
    """Put the stack's port where a page has one, and a token for the vault's."""
    text = yaml.safe_dump(value).replace("127.0.0.1:8000", f"127.0.0.1:{stack.port}")
    return yaml.safe_load(text.replace("{{ vault_flag_token }}", "hunter2"))


def deploy(stack: Stack, version: str) -> None:
    for name in SERVICES:
        stack.tag(f"{name}:production", version)
    stack.write(".env", f"RELEASE={version}\n")
    stack.write("settings.conf", f"release = {version}\n")
    stack.up("--force-recreate")


@pytest.fixture
def stack(make_stack: Any) -> Stack:
    """v0.9.0 is captured and its configuration kept; v1.0.0 runs."""
    made: Stack = make_stack()
    services = {name: made.service(f"{name}:production") for name in SERVICES}
    volumes = ["./data:/data:ro", "./state:/state", "./settings.conf:/config/settings.conf:ro"]
    services["backend"] = made.published("backend:production", volumes=volumes)
    made.compose(services)
    made.write("state/flags.json", '{"ai_suggestions": true}')
    made.description["services"] = {"backend": {"checks": [{"url": f"http://127.0.0.1:{made.port}/api/status"}]}}
    made.description["config"] = ["compose.yml", ".env", "settings.conf"]
    deploy(made, OLD)
    made.capture(OLD)
    made.run("config-backup.yml").ok()
    deploy(made, NEW)
    return made


def test_what_the_page_of_tier_3_shows(stack: Stack) -> None:
    described, plan = blocks("tier3.md")
    stack.description |= here(stack, described["rollback_stack"])
    path = stack.src.with_name("phases.yml")
    path.write_text(yaml.safe_dump(here(stack, plan)), encoding="utf-8")
    rest = stack.states("frontend", "database")
    listed = commands("tier3.md")
    assert [command[1] for command in listed] == ["tier3-partial.yml"] * 4 + ["undo.yml"]

    for command in listed:
        stack.run(command[1], *(part.replace("plan=phases.yml", f"plan={path}") for part in command[2:])).ok()

    assert stack.states("frontend", "database") == rest
    ids = stack.image_ids()
    assert [ids[name] for name in ("backend", "mcp-browser")] == [stack.images.get(OLD)] * 2
    assert {entry["kind"] for entry in stack.ledger()} == {"rollback", "undo"}


def test_what_the_page_of_configuration_shows(stack: Stack) -> None:
    (name,) = [path.name for path in (stack.state / stack.name / "config").iterdir()]
    rest = stack.states("frontend", "database", "mcp-browser")
    listed = commands("config.md")
    # The first would keep what is to go back.
    assert [command[1] for command in listed] == ["config-backup.yml"] + ["config-rollback.yml"] * 3 + ["undo.yml"]

    for command in listed[1:-1]:
        shown = [re.sub(r"backup=\S+", f"backup={name}", part) for part in command[2:]]
        stack.run(command[1], *shown).ok()
    assert (stack.src / "settings.conf").read_text() == f"release = {OLD}\n"
    stack.undo().ok()
    assert (stack.src / "settings.conf").read_text() == f"release = {NEW}\n"
    assert stack.states("frontend", "database", "mcp-browser") == rest
