# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page as a browser reads it: elements, texts, and whether everything that was opened was closed."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta"}


class Page(HTMLParser):
    """A parsed page; parsing fails where elements do not close in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        """All that a person reads."""
        return " ".join(self.texts)

    @property
    def tags(self) -> set[str]:
        """Names of all elements."""
        return {tag for tag, _attributes in self.elements}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See that it is the one that was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text that is no style sheet."""
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    def refuse_what_is_not_in_it(self) -> None:
        """Fail where the page runs a script or gets anything from elsewhere."""
        assert not self.tags & {"script", "iframe", "img", "link", "object", "embed", "base", "form"}
        for _tag, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")]
