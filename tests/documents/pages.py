# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages as GitHub and the site read them: what they consist of, names of headings, and the section below one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from myst_parser.slugs import github_slugify

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).use(anchors_plugin, max_level=6, slug_func=github_slugify)


@cache
def tokens(path: Path) -> list[Token]:
    """Return what a page consists of, on one level."""
    outer = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
    return [token for each in outer for token in (each, *(each.children or ()))]


def anchors(path: Path) -> set[str]:
    """Return the names of a page's headings, as links have them."""
    return {str(token.attrs["id"]) for token in tokens(path) if "id" in token.attrs}


def section(path: Path, anchor: str) -> str:
    """Return what is below a heading, to the next one that is not below it; nothing where there is no such heading."""
    headings = [token for token in tokens(path) if token.type == "heading_open"]
    for number, token in enumerate(headings):
        if token.attrs.get("id") == anchor:
            ends = [_lines(each)[0] for each in headings[number + 1 :] if each.tag <= token.tag]
            lines = path.read_text(encoding="utf-8").splitlines()
            return "\n".join(lines[_lines(token)[1] : min(ends, default=len(lines))]).strip()
    return ""


def _lines(token: Token) -> list[int]:
    """Return where a block begins, and where it has ended."""
    return token.map or [0, 0]
