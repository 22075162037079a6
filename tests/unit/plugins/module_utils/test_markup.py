# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import xml.etree.ElementTree as ET

from ansible_collections.tiered.rollback.plugins.module_utils import _markup
from ansible_collections.tiered.rollback.tests.support.page import Page
from hypothesis import given
from hypothesis import strategies as st

#: Any text at all, lone surrogates and control characters included, and what is likely to break out.
HOSTILE = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["<script>alert(1)</script>", "</title></svg></main>", "\"' onload=x ", "&lt;b&gt;", "-->", "]]>", "\x00\ud800"]
)


@given(text=HOSTILE)
def test_any_text_stays_text_wherever_it_stands(text: str) -> None:
    page = Page(_markup.page(text, _markup.section(text, _markup.table((text,), [(text,)]), _markup.code(text))))
    frame = {"html", "head", "meta", "title", "style", "body", "main", "section", "h2"}
    assert page.tags <= frame | {"div", "table", "thead", "tbody", "tr", "th", "code"}
    page.refuse_what_is_not_in_it()


@given(text=HOSTILE)
def test_any_text_in_a_picture_is_read_back_from_xml(text: str) -> None:
    drawn = _markup.picture(10, 10, text, _markup.element("rect", class_=text), _markup.element("text", text))
    root = ET.fromstring(_markup.standalone(drawn).encode())
    shown = root.findtext("{*}text")
    assert shown == root.findtext("{*}title")
    # Line ends are one character to XML.
    kept = _markup._UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text).replace("\r\n", "\n").replace("\r", "\n")
    assert (shown or "") == kept


def test_markup_is_put_in_as_it_is_and_text_escaped() -> None:
    inner = _markup.element("b", "1 < 2")
    made = _markup.element("p", inner, " & ", 3, class_="note", aria_label='"x"', width=None)
    assert made == '<p class="note" aria-label="&quot;x&quot;"><b>1 &lt; 2</b> &amp; 3</p>'


def test_what_stands_between_backticks_is_code() -> None:
    assert _markup.code("run `a b`.") == "run <code>a b</code>."


def test_a_table_names_its_columns_and_rows() -> None:
    page = Page(_markup.page("t", _markup.table(("name", "value"), [("a", 1)])))
    assert [attributes.get("scope") for tag, attributes in page.elements if tag == "th"] == ["col", "col", "row"]


def test_a_table_without_rows_says_so() -> None:
    assert "None." in _markup.table(("name",), [])


def test_a_page_names_its_language_and_forbids_scripts() -> None:
    page = Page(_markup.page("t"))
    assert ("html", {"lang": "en"}) in page.elements
    assert any("default-src 'none'" in str(attributes.get("content")) for _tag, attributes in page.elements)


def test_a_picture_says_what_is_in_it() -> None:
    root = ET.fromstring(_markup.picture(10, 5, "a bar"))
    assert (root.get("role"), root.get("aria-label"), root.findtext("{*}title")) == ("img", "a bar", "a bar")


def test_a_picture_of_its_own_has_its_colours_with_it() -> None:
    root = ET.fromstring(_markup.standalone(_markup.picture(10, 5, "a bar")))
    assert "prefers-color-scheme:dark" in (root.findtext("{*}style") or "")
