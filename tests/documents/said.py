# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that plugins, roles with their templates, and peelback may say, for pages that quote them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).resolve().parents[2]
#: Where a value is put in.
_HOLE = "\0"
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def said(quote: str) -> bool:
    """Whether some text has what a quote says between its ellipses, in that order."""
    parts = [part.strip() for part in quote.split("…") if part.strip(" .:;,()")]
    pattern = re.compile(".*".join(map(re.escape, parts)))
    return any(pattern.search(text) for text in _texts())


@cache
def _texts() -> tuple[str, ...]:
    """Return every text of one line."""
    programs = [*sorted((_ROOT / "plugins").rglob("*.py")), *sorted((_ROOT / "peelback/src").rglob("*.py"))]
    python = (text for path in programs for text in _of_program(path))
    tasks = (text for path in sorted((_ROOT / "roles").glob("*/tasks/*.yml")) for text in _of_tasks(path))
    templates = (_read(path) for path in sorted((_ROOT / "roles").glob("*/templates/*.j2")))
    filled = (line for text in (*tasks, *templates) for line in _filled(text))
    return (*(text for text in python if "\n" not in text), *filled)


def _of_program(path: Path) -> Iterator[str]:
    nodes = list(ast.walk(ast.parse(_read(path))))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else _HOLE for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _of_tasks(path: Path) -> Iterator[str]:
    def strings(found: Any) -> Iterator[str]:
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            yield from (text for value in found.values() for text in strings(value))
        elif isinstance(found, list):
            yield from (text for value in found for text in strings(value))

    return strings(yaml.safe_load(_read(path)))


def _filled(text: str) -> list[str]:
    """Return the lines of a template, and those that its expressions may put in."""
    inner = (literal for found in _TEMPLATE.findall(text) for literal in re.findall(r"'([^']*)'|\"([^\"]*)\"", found))
    return [*_TEMPLATE.sub(_HOLE, text).splitlines(), *(one or other for one, other in inner)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
