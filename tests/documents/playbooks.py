# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``docs/playbooks.md`` and the README's table of playbooks (pure but for :func:`read`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _accepted, _awx, _survey
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks
from ansible_collections.tiered.rollback.tests.documents.markdown import NOTE, codes, linked, page, table, value

_INTRODUCTION = """\
Each has the name people type and, with underscores, an FQCN: `ansible-playbook tier1-emergency.yml` in `playbooks/` is
`ansible-playbook tiered.rollback.tier1_emergency` anywhere. All take `--check --diff`, which shows the plan and moves
nothing. A launch variable is given with `-e NAME=VALUE`. Everything else is a variable of the inventory, and the page
of the role says which there are."""
_TIERS = """\
The tiers and `ci-rollback.yml` take these too, and [ask the decision matrix](decide.md) where `severity` or `issue` is
given:"""
_HEADER = ("launch variable", "type", "default", "what it is", "may be")
#: What a playbook's comment says: what it does, the section that says how, command lines, and remarks.
_COMMENT = re.compile(r"((?:.+\n)+?)Guide: docs/(.+)\nUsage: (.+\n(?: .+\n)*)((?:.+\n)*)")
_DEFAULT = re.compile(r"given\.(\w+) \| default\((?:[^()|]*\| default\()?('[^']*'|[\w.]+)\)")
_ROLE = re.compile(r"^ +name: tiered\.rollback\.(\w+)$", re.MULTILINE)
#: What stands for no value in Ansible.
_NONE = ("", "none", "omit")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A playbook as its file tells people of it.

    :param guide: section of a page in docs/ that says how to use it, as ``page.md#section``.
    :param defaults: of launch variables, by name.
    :param inventory: variables that have to be in the inventory, where nothing is taken at launch.
    """

    playbook: _awx.Playbook
    does: str
    guide: str
    usage: str
    remarks: str
    roles: Sequence[str]
    defaults: Mapping[str, str]
    inventory: Sequence[str]


def read(needed: Mapping[str, Sequence[str]]) -> list[Page]:
    """Return every playbook, by name.

    :param needed: options that each role requires.
    """
    return [
        parse(_playbooks.one(name), _playbooks.source(name).read_text(encoding="utf-8"), needed)
        for name in _playbooks.names()
    ]


def roles(source: str) -> list[str]:
    """Return the roles that a playbook, or a file of tasks, uses."""
    return list(dict.fromkeys(_ROLE.findall(source)))


def parse(playbook: _awx.Playbook, source: str, needed: Mapping[str, Sequence[str]]) -> Page:
    """Take from a playbook's file what Ansible does not read.

    :param needed: options that each role requires.
    """
    comment = takewhile(lambda line: line.startswith("#"), source.splitlines()[1:])
    found = _COMMENT.fullmatch("".join(f"{line[2:]}\n" for line in comment))
    if not found:
        raise ValueError(
            f"the comment of {playbook.name}.yml has to say what it does, then 'Guide: docs/...' and 'Usage: ...'"
        )
    does, guide, usage, remarks = found.groups()
    defaults = {name: text.strip("'") for name, text in _DEFAULT.findall(source)}
    return Page(
        playbook=playbook,
        does=" ".join(does.split()),
        guide=guide,
        usage=usage.replace("   or: ", ""),
        remarks=" ".join(remarks.split()),
        roles=roles(source),
        defaults={name: text for name, text in defaults.items() if text not in _NONE},
        inventory=[] if playbook.launch else [name for role in roles(source) for name in needed[role]],
    )


def reference(pages: Sequence[Page]) -> str:
    """Return ``docs/playbooks.md``."""
    everywhere = _accepted.accepted({})
    nothing = codes(f"{each.playbook.name}.yml" for each in pages if each.playbook.launch is None)
    tiers = [name for name in _accepted.accepted({"tier": "1"}) if name not in everywhere]
    return page(
        ["# Playbooks"],
        [NOTE],
        [_INTRODUCTION],
        *(block for each in pages for block in _section(each)),
        ["## Variables that many take"],
        [f"Every playbook takes these too, but for those that take nothing at launch ({nothing}):"],
        table(_HEADER, (_row(_survey.question(name, False), {}) for name in everywhere)),
        [_TIERS],
        table(_HEADER, (_row(_survey.question(name, False), {}) for name in tiers)),
    )


def overview(pages: Iterable[Page]) -> str:
    """Return the README's table."""
    rows = (
        (
            f"[`{each.playbook.name}.yml`](docs/playbooks.md#{each.playbook.name})",
            f"{each.does} [How](docs/{each.guide})",
            codes(question["variable"] for question in _questions(each)) or _inventory(each),
        )
        for each in pages
    )
    return "\n".join(table(("playbook", "does", "variables"), rows))


def _questions(each: Page) -> Iterator[dict[str, Any]]:
    """Return what is asked for each launch variable that not every playbook has."""
    launch = each.playbook.launch or {}
    required = launch.get("required", ())
    return (_survey.question(name, name in required) for name in (*required, *launch.get("optional", ())))


def _inventory(each: Page) -> str:
    return f"in the inventory: {codes(each.inventory)}" if each.inventory else ""


def _section(each: Page) -> Iterator[list[str]]:
    yield [f"## {each.playbook.name}"]
    yield [each.does]
    yield ["```text", *each.usage.splitlines(), "```"]
    if each.remarks:
        yield [linked(f"{each.remarks.rstrip('.')}.", "")]
    if questions := list(_questions(each)):
        yield table(_HEADER, (_row(question, each.defaults) for question in questions))
    elif each.inventory:
        yield [f"It needs {_inventory(each)}."]
    if rules := list(_rules(each.playbook.launch or {})):
        yield [f"- {rule}" for rule in rules]
    used = ", ".join(f"[{name}](../roles/{name}/README.md)" for name in each.roles)
    page_of_it = each.guide.partition("#")[0]
    yield [f"Role: {used}. How to use it: [{page_of_it}]({each.guide})."]


def _row(question: Mapping[str, Any], defaults: Mapping[str, str]) -> tuple[str, ...]:
    name, choices = question["variable"], question.get("choices")
    kind = {"multiplechoice": "choice"}.get(question["type"], question["type"])
    default = "**required**" if question["required"] else value(defaults.get(name))
    may_be = codes(choices) if choices else question["question_description"]
    return f"`{name}`", kind, default, question["question_name"], may_be


def _rules(launch: Mapping[str, Any]) -> Iterator[str]:
    for names in launch.get("required_one_of", ()):
        yield f"One of {codes(names)} is required."
    for names in launch.get("mutually_exclusive", ()):
        yield f"Only one of {codes(names)} can be given."
    for name, needed in launch.get("required_by", {}).items():
        yield f"`{name}` needs {codes(needed)}."
