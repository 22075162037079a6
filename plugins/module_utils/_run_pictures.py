# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a run: its phases against the budget, and who answered meanwhile (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _telling
from ansible_collections.tiered.rollback.plugins.module_utils._markup import Markup, element, picture
from ansible_collections.tiered.rollback.plugins.module_utils._run import seconds_between

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 900, 170, 90, 26, 62
_PLOT = _WIDTH - _LEFT - _RIGHT
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
#: Class and height of a span of answers: colour is not the only sign.
_SHAPES: Mapping[str, tuple[str, float, str]] = {
    "good": ("good", 1.0, "good answers"),
    "bad": ("warn", 0.5, "answers, but not good ones"),
    "silent": ("bad", 1.0, "no answer"),
}
_LONGEST_NAME = 24


def phases(full: Mapping[str, Any]) -> Markup:
    """Draw the budget and how much of it was used, and below, in a scale of its own, each phase and the outage."""
    rows, total = full.get("phases") or [], _total(full)
    height = _TOP + _ROW * max(len(rows), 1) + 24
    bars = [_bar(number, row, total) for number, row in enumerate(rows)]
    return picture(
        _WIDTH,
        height,
        f"Phases of the run: {_telling.seconds(full.get('duration'))}, {_telling.against_budget(full)}; longest time "
        f"without an answer: {_telling.outage(full)}",
        *_budget(full),
        *_grid(total, _TOP, height - 24),
        *_outage(full, total, height - 24),
        *bars,
    )


def answers(full: Mapping[str, Any]) -> Markup:
    """Draw per URL, in the scale of the phases, when it gave good answers, others, or none."""
    urls, total, offset = _urls(full), _total(full), _offset(full)
    height = 8 + 2 * _ROW * len(urls) + 24
    drawn: list[Markup] = []
    for number, (url, spans) in enumerate(urls.items()):
        top = 8 + 2 * _ROW * number
        drawn.append(_text(_LEFT, top + 15, url))
        drawn += [_span(begin + offset, end + offset, state, total, top + 20) for begin, end, state in spans]
    label = "; ".join(
        f"{url}: {sum(state == 'silent' for _begin, _end, state in spans)} times no answer, "
        f"{sum(state == 'bad' for _begin, _end, state in spans)} times answers that were not good"
        for url, spans in urls.items()
    )
    return picture(_WIDTH, height, f"Answers during the run. {label}", *_grid(total, 8, height - 24), *drawn)


def legend() -> str:
    """Say what the picture of the answers means."""
    return "Full height: good answers. Half height: answers, but not good ones. Empty frame: no answer."


def _urls(full: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    return (full.get("answers") or {}).get("urls") or {}


def _offset(full: Mapping[str, Any]) -> float:
    """Return how many seconds after the run the probe began."""
    began = (full.get("answers") or {}).get("began")
    return max(seconds_between(full["started"], began), 0.0) if began and full.get("started") else 0.0


def _total(full: Mapping[str, Any]) -> float:
    ends = [phase["after"] + phase["seconds"] for phase in full.get("phases") or ()]
    ends += [spans[-1][1] + _offset(full) for spans in _urls(full).values() if spans]
    return float(max([full.get("duration") or 0.0, *ends, 0.1]))


def _x(at: float, total: float) -> float:
    return round(_LEFT + _PLOT * min(max(at, 0.0) / total, 1.0), 1)


def _text(x: float, y: float, words: object, anchor: str | None = None, class_: str | None = None) -> Markup:
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def _rectangle(class_: str, x: float, y: float, width: float, height: float, note: str = "") -> Markup:
    inside = [element("title", note)] if note else []
    return element("rect", *inside, class_=class_, x=x, y=y, width=round(max(width, 1.5), 1), height=height)


def _budget(full: Mapping[str, Any]) -> list[Markup]:
    budget, took = full.get("budget"), full.get("duration") or 0.0
    if not budget:
        return []
    most = max(budget, took)
    limit = _x(budget, most)
    used = _rectangle("bar" if took <= budget else "warn", _LEFT, 8, _x(took, most) - _LEFT, 16)
    return [
        _text(0, 21, f"budget {_telling.seconds(budget)}"),
        used,
        _rectangle("frame", _LEFT, 8, limit - _LEFT, 16),
        element("line", x1=limit, x2=limit, y1=4, y2=28, class_="limit"),
        _text(_WIDTH, 21, f"{took / budget:.0%} used", "end"),
    ]


def _grid(total: float, top: float, bottom: float) -> list[Markup]:
    step = next((tick for tick in _TICKS if total / tick <= 8), _TICKS[-1])
    made: list[Markup] = []
    for number in range(int(total / step) + 1):
        x = _x(number * step, total)
        name = f"{number * step:g} s" if step < 60 else f"{number * step / 60:g} min"
        made.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        made.append(_text(x, bottom + 16, name, "middle", "soft"))
    return made


def _bar(number: int, phase: Mapping[str, Any], total: float) -> Markup:
    top = _TOP + _ROW * number
    name = str(phase["name"])
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    begin, end = _x(phase["after"], total), _x(phase["after"] + phase["seconds"], total)
    failed = "failed" in phase
    note = f"{name}: {_telling.seconds(phase['seconds'])}{', FAILED: ' + phase['failed'] if failed else ''}"
    said = f"{_telling.seconds(phase['seconds'])}{' FAILED' if failed else ''}"
    return element(
        "g",
        _text(0, top + 17, shown),
        _rectangle("bad" if failed else "bar", begin, top + 4, end - begin, 17, note),
        _text(_WIDTH, top + 17, said, "end", None if failed else "soft"),
    )


def _outage(full: Mapping[str, Any], total: float, bottom: float) -> list[Markup]:
    """Mark the longest time without an answer over the phases."""
    silences = (full.get("answers") or {}).get("silences") or {}
    if not full.get("outage") or not silences:
        return []
    begin, end = (at + _offset(full) for at in max(silences.values(), key=lambda span: span[1] - span[0]))
    left, right = _x(begin, total), _x(end, total)
    middle = min(max((left + right) / 2, _LEFT + 80), _WIDTH - 80)
    return [
        _rectangle("outage", left, _TOP - 4, right - left, bottom - _TOP + 4, "no answer"),
        _text(middle, _TOP - 10, f"no answer for {_telling.outage(full)}", "middle"),
    ]


def _span(begin: float, end: float, state: str, total: float, top: float) -> Markup:
    class_, share, meaning = _SHAPES[state]
    left, right = _x(begin, total), _x(end, total)
    height = 22 * share
    return _rectangle(class_, left, top + 22 - height, right - left, height, f"{meaning} for {end - begin:.2f} s")
