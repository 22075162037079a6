# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How-tos: the section of a page that takes a person with a task through one playbook (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: What each has after its goal, in this order; its commands stand after the first.
PARTS = ("Before you begin", "What you see", "When it refuses", "Take it back", "Where next")
_LEAD = re.compile(rf"^\*\*({'|'.join(PARTS)})\.\*\*\s", re.MULTILINE)
_INDENTED = re.compile(r"^    (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| (`.+?`) \|", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
#: A table of errors begins so.
_ERRORS = re.compile(r"^\| error \|.*\n\| --- .*\n((?:\|.*\n?)*)", re.MULTILINE)
#: What is typed, and not printed.
_TYPED = re.compile(r"ansible-|[\w./-]+\.yml\b|-e |docker ")


@dataclass(frozen=True, kw_only=True)
class Howto:
    """A section that is one.

    :param commands: lines to type.
    :param parts: texts by the names of :data:`PARTS`.
    """

    goal: str
    commands: tuple[str, ...]
    parts: Mapping[str, str]


def parse(section: str) -> Howto:
    """Take a section apart.

    :raises ValueError: when it lacks a part, or has them in another order.
    """
    goal, *rest = _LEAD.split(section)
    names = tuple(rest[::2])
    if names != PARTS:
        raise ValueError(f"a how-to has the parts {', '.join(PARTS)}, and this one has {', '.join(names) or 'none'}")
    parts = dict(zip(names, (text.strip() for text in rest[1::2]), strict=True))
    return Howto(goal=goal.strip(), commands=tuple(_INDENTED.findall(parts[PARTS[0]])), parts=parts)


def errors(text: str) -> list[str]:
    """Return the errors that tables of a text quote."""
    cells = (cell for table in _ERRORS.findall(text) for cell in _ROW.findall(table))
    return [quote for cell in cells for quote in _CODE.findall(cell)]


def shown(text: str) -> list[str]:
    """Return what a text says will be printed: code of several words that nobody types."""
    codes = (" ".join(code.split()) for code in _CODE.findall(text))
    return [code for code in codes if " " in code and not _TYPED.match(code)]
