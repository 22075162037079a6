# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook has a how-to of its own: a section that says all there is to say, and nothing that is not so."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks
from ansible_collections.tiered.rollback.tests.documents import commands, howtos, pages, playbooks, said
from ansible_collections.tiered.rollback.tests.support import launching

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = {page.playbook.name: page.guide for page in playbooks.read(defaultdict(list))}
#: Options of Ansible's own that a how-to may use.
OPTIONS = {"--check", "--diff", "--limit"}
_SECTION_LINK = re.compile(r"\]\(([\w/-]*(?:\.md)?)#([\w-]+)\)")
GOOD = """\
Does it.

**Before you begin.** It is there.

    ansible-playbook undo.yml -e run=r1     some day

**What you see.** `It ends well`, and `undo.yml --check` or `name`.

**When it refuses.** Nothing was touched.

| error | what to do |
| --- | --- |
| `no run … that`, `said too` | Go. |

| table | of something else |
| --- | --- |
| `no error` | |

**Take it back.** No.

**Where next.** On.
"""


def _section(guide: str) -> str:
    page, _hash, anchor = guide.partition("#")
    return pages.section(DOCS / page, anchor) if anchor and (DOCS / page).is_file() else ""


def _howto(name: str) -> howtos.Howto:
    return howtos.parse(_section(GUIDES[name]))


def _run(name: str) -> list[commands.Command]:
    """Commands that the how-to of a playbook has people type."""
    return [each for line in _howto(name).commands for each in commands.told(line)]


def _errors(name: str) -> list[str]:
    """Errors that a how-to tells of, in its own words or those of a section that it names."""
    text, own = _howto(name).parts["When it refuses"], GUIDES[name].partition("#")[0]
    linked = (_section(f"{page or own}#{anchor}") for page, anchor in _SECTION_LINK.findall(text))
    return [error for each in (text, *linked) for error in howtos.errors(each)]


@pytest.mark.parametrize("name", GUIDES)
def test_the_guide_of_a_playbook_names_a_section_that_there_is(name: str) -> None:
    assert _section(GUIDES[name]), f"'# Guide: docs/{GUIDES[name]}' has to name a section, as page.md#section"


def test_no_two_playbooks_share_a_section() -> None:
    assert len(set(GUIDES.values())) == len(GUIDES) > 25


@pytest.mark.parametrize("name", GUIDES)
def test_a_how_to_has_its_parts_and_says_in_one_sentence_what_it_is_for(name: str) -> None:
    found = _howto(name)
    assert re.fullmatch(r"[^.]+(?:\.(?! |\n)[^.]+)*\.", found.goal), found.goal
    assert all(found.parts.values())


@pytest.mark.parametrize("name", GUIDES)
def test_a_how_to_runs_its_playbook_as_the_check_at_launch_lets_it(name: str) -> None:
    told = _run(name)
    assert f"{name}.yml" in [command.playbook for command in told]
    for command in told:
        assert commands.exists(command.playbook), command
        given = command.variables()
        taken = _playbooks.one(commands.name(command.playbook)).launch
        assert set(given) <= commands.taken(command.playbook)
        launching.check(given, check_mode=True, **(taken or {}))
        assert {word for word in command.options if word.startswith("-")} <= OPTIONS


@pytest.mark.parametrize("name", GUIDES)
def test_a_how_to_says_what_to_do_about_errors_that_there_are(name: str) -> None:
    found = _errors(name)
    assert len(found) >= 2
    assert [quote for quote in found if not said.said(quote)] == []


@pytest.mark.parametrize("name", GUIDES)
def test_what_a_how_to_shows_is_printed_by_something(name: str) -> None:
    assert [quote for quote in howtos.shown(_howto(name).parts["What you see"]) if not said.said(quote)] == []


def test_a_section_is_taken_apart() -> None:
    found = howtos.parse(GOOD)
    assert found.goal == "Does it."
    assert found.commands == ("ansible-playbook undo.yml -e run=r1     some day",)
    assert [command.variables() for command in commands.told(found.commands[0])] == [{"run": "r1"}]
    assert howtos.errors(found.parts["When it refuses"]) == ["no run … that", "said too"]
    assert howtos.shown(found.parts["What you see"]) == ["It ends well"]


@pytest.mark.parametrize("lacking", howtos.PARTS)
def test_a_section_that_lacks_a_part_is_no_how_to(lacking: str) -> None:
    with pytest.raises(ValueError, match="a how-to has the parts"):
        howtos.parse(GOOD.replace(f"**{lacking}.**", ""))


def test_a_section_ends_where_the_next_of_its_level_begins(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n## Two words\n\na\n\n### Three\n\nb\n\n## Four\n\nc\n")
    assert pages.section(page, "two-words") == "a\n\n### Three\n\nb"
    assert pages.section(page, "four") == "c"
    assert pages.section(page, "five") == ""
