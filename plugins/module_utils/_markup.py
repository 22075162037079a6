# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG that are safe by how they are made: whatever is not markup already is escaped (pure)."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

#: What neither HTML nor XML may hold, nor UTF-8 encode.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: Colours of pages and pictures, light and dark, and what pictures are drawn with.
PICTURE_STYLE = """\
:root{--paper:#fff;--card:#f4f6f8;--ink:#1b2430;--soft:#5a6675;--line:#c9d1da;--good:#1a7f4b;--warn:#b45309;\
--bad:#c0262d;--bar:#2f6fb2;--shade:#c0262d26}
@media (prefers-color-scheme:dark){:root{--paper:#12171e;--card:#1c242e;--ink:#e6ebf1;--soft:#9fb0c1;--line:#3a4653;\
--good:#4cc38a;--warn:#f0a63c;--bad:#ff7b72;--bar:#6aa9e9;--shade:#ff7b7233}}
svg{background:var(--paper);font:13px system-ui,sans-serif;width:100%;height:auto}
svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line)}
svg .bar{fill:var(--bar)}svg .good{fill:var(--good)}svg .warn{fill:var(--warn)}
svg .bad{fill:none;stroke:var(--bad);stroke-width:2}svg .outage{fill:var(--shade);stroke:var(--bad);\
stroke-dasharray:4 3}svg .limit{stroke:var(--ink);stroke-dasharray:6 4}svg .frame{fill:none;stroke:var(--line)}"""

_STYLE = """
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem}h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.15rem;margin:2rem 0 .5rem}p{margin:.4rem 0}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{white-space:pre-wrap;background:var(--card);padding:.8rem;border-left:4px solid var(--bad);overflow-wrap:anywhere}
.state{display:inline-block;padding:.1rem .7rem;border:2px solid;border-radius:1rem;font-weight:600}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.8rem;margin:1.2rem 0;padding:0}
.cards div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem}
.cards dt{color:var(--soft);font-size:.85rem}.cards dd{margin:0;font-size:1.35rem;font-weight:600}
.cards dd.note{font-size:.85rem;font-weight:400}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
td,th{overflow-wrap:anywhere}.whole{white-space:nowrap}.words{overflow-wrap:normal}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr,svg,.cards div{break-inside:avoid}}
"""
# No script, font or image from anywhere, even if something unescaped ever got in.
_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
"""


class Markup(str):
    """Text that is HTML or SVG already."""

    __slots__ = ()


def escaped(value: object) -> str:
    """Return anything as text that is no markup, without characters that a page may not hold."""
    return html.escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Return an element; children that are no :class:`Markup` are escaped, attributes of None left out.

    :param attributes: ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{given}>{joined(children)}</{tag}>")


def joined(children: Sequence[object]) -> Markup:
    """Return some elements and texts as one."""
    return Markup("".join(child if isinstance(child, Markup) else escaped(child) for child in children))


def code(text: str) -> Markup:
    """Return a text in which what stands between backticks is code."""
    parts = text.split("`")
    return joined([element("code", part) if number % 2 else part for number, part in enumerate(parts)])


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """Return a table whose first column names its rows."""
    if not rows:
        return element("p", "None.")
    columns = element("tr", *(element("th", name, scope="col") for name in head))
    return element(
        "div",
        element("table", element("thead", columns) if any(head) else "", element("tbody", *map(_row, rows))),
        class_="scroll",
    )


def _row(cells: Sequence[object]) -> Markup:
    return element("tr", element("th", cells[0], scope="row"), *(element("td", cell) for cell in cells[1:]))


def section(title: str, *children: object) -> Markup:
    """Return a part of a page under its heading."""
    return element("section", element("h2", title), *children)


def cards(figures: Sequence[tuple[str, object, object]]) -> Markup:
    """Return key figures: what each is, its value, and a note."""
    made = [
        element("div", element("dt", name), element("dd", value), element("dd", note, class_="note"))
        for name, value, note in figures
    ]
    return element("dl", *made, class_="cards")


def picture(width: int, height: float, label: str, *children: object) -> Markup:
    """Return an SVG picture; *label* says what is in it to who does not see it."""
    return element(
        "svg",
        element("title", label),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height:g}",
        role="img",
        aria_label=label,
    )


def standalone(svg: Markup) -> str:
    """Return a picture as a file of its own."""
    opening, _end, rest = svg.partition(">")
    return f"{opening}><style>{PICTURE_STYLE}</style>{rest}\n"


def page(title: str, *children: object) -> str:
    """Return a whole page that needs nothing beside itself."""
    head = f"{element('title', title)}<style>{PICTURE_STYLE}{_STYLE}</style></head>"
    return f"{_HEAD}{head}\n<body>{element('main', *children)}</body></html>\n"
