# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every link of every Markdown file in the tree leads somewhere, on GitHub as on the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.tests.documents.pages import anchors, tokens
from ansible_collections.tiered.rollback.tests.support import tree
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

PAGES = [ROOT / name for name in tree.kept() if name.endswith(".md")]


def links(path: Path) -> Iterator[str]:
    """Links and pictures of a page that lead to no other site."""
    for token in tokens(path):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if target and "://" not in target:
            yield target


def broken(path: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    found = []
    for link in links(path):
        name, _hash, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_anchor_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words\n\n[a](#two-words) [b](page.md#two-words) [c](https://x.org/y) `[d](code.md)`\n\n"
        "[e](#three) [f](page.md#three) [g](gone.md) ![h](gone.svg)\n\n| [i](no/where) |\n| --- |\n"
    )
    assert broken(page) == ["#three", "page.md#three", "gone.md", "gone.svg", "no/where"]


def test_every_page_is_in_the_table_of_contents_once() -> None:
    trees = [token.content for token in tokens(ROOT / "docs/index.md") if token.info == "{toctree}"]
    lines = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    listed = [line for line in lines if not line.endswith("<reference/index>")]
    assert len(listed) == len(set(listed))
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in PAGES if ROOT / "docs" in path.parents}
    assert pages - {"index"} - set(listed) == set()


def test_no_sequence_diagram_has_a_semicolon_which_would_end_the_line() -> None:
    fences = [token.content for path in PAGES for token in tokens(path) if token.info == "mermaid"]
    sequences = [content for content in fences if content.startswith("sequenceDiagram")]
    assert sequences
    assert [line for content in sequences for line in content.splitlines() if ";" in line] == []
