# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages, and the first lines of playbooks, quote is what there is: playbooks, variables, errors, files."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.tests.documents import commands, howtos, said

ROOT = Path(__file__).resolve().parents[2]
#: What people have written; test_generated.py looks at the others.
GENERATED = ROOT / "docs/playbooks.md"
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {GENERATED})]
USAGES = sorted((ROOT / "playbooks").glob("*.yml"))
#: Files that the reader has, or writes.
THEIRS = {"inventory.yml", "awx_setup.yml", "vars.yml", "mcp-config.yml", "zizmor.yml"}
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
HEADINGS = [
    "Use it when",
    "Do not use it when",
    "Before you begin (10 seconds)",
    "The command",
    "What you will see",
    "Did it work?",
    "When it fails",
    "Undo",
    "Tell",
]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def _ours() -> frozenset[str]:
    """Names of playbooks, and of other YAML files that pages speak of."""
    folders = ("playbooks", "extensions", "examples", "tests/contract")
    return frozenset(path.name for folder in folders for path in (ROOT / folder).rglob("*.yml"))


@functools.cache
def _configured() -> frozenset[str]:
    """What the inventory may say: the options of roles."""
    specs = [yaml.safe_load(path.read_text()) for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")]
    return frozenset(name for spec in specs for entry in spec["argument_specs"].values() for name in entry["options"])


@pytest.mark.parametrize("path", [*PAGES, *USAGES], ids=_name)
def test_every_command_names_a_playbook_and_variables_that_it_takes(path: Path) -> None:
    for command in commands.told(path.read_text(encoding="utf-8")):
        assert commands.exists(command.playbook), f"there is no playbook {command.playbook}"
        taken = commands.taken(command.playbook)
        for name in command.variables():
            assert name in taken or (name in _configured() and name not in _names.LAUNCH_VARIABLES), (
                f"{command.playbook} does not take {name}"
            )


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_variable_that_is_named_alone_is_taken_by_some_playbook(path: Path) -> None:
    named = set(re.findall(r"`-e '?(\w+)=", path.read_text(encoding="utf-8")))
    assert named <= {*_names.LAUNCH_VARIABLES, *_configured()}


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_yaml_file_that_is_named_is_a_playbook_or_another_one_there_is(path: Path) -> None:
    named = set(re.findall(r"`([\w-]+\.yml)\b", path.read_text(encoding="utf-8")))
    assert named <= _ours() | THEIRS


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_errors_are_quoted_as_the_code_says_them(path: Path) -> None:
    assert [quote for quote in howtos.errors(path.read_text(encoding="utf-8")) if not said.said(quote)] == []


@pytest.mark.parametrize("path", RUNBOOKS, ids=_name)
def test_a_runbook_has_its_parts_in_order_and_says_what_errors_mean(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert len(howtos.errors(text)) >= 5


def test_a_text_that_nobody_says_is_found_out() -> None:
    assert not said.said("restore point … was never baked")
    assert not said.said("was never proven … restore point")
