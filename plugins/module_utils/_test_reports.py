# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reports of tests say: the counts of a JUnit report, and the percentage of a coverage report."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from xml.parsers import expat

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: The most bytes of one report.
MOST = 16 << 20

_HINT = "Look at the run that wrote it; one that was stopped leaves half a report."
_LCOV = re.compile(rb"^L([FH]):([0-9]{1,12})\s*$", re.MULTILINE)
_SUITES = ("testsuites", "testsuite")
#: Elements inside of a test, by what they count as.
_OUTCOMES = {"failure": "failures", "error": "errors", "skipped": "skipped"}

#: Called with the depth, name and attributes of each element, in the order of the document.
_Visit = Callable[[int, str, Mapping[str, str]], None]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a JUnit report counts; *tests* are all of them, *failures* wrong results and *errors* broken tests."""

    tests: int
    failures: int
    errors: int
    skipped: int
    seconds: float


def junit(data: bytes) -> Counts:
    """Count the tests of a JUnit report.

    Where its totals and its tests say different numbers the larger one holds: some tools list only what failed, others
    give no totals.

    :raises RollbackError: when it is no JUnit report, is cut off, or is not safe to read.
    """
    with _readable("the JUnit report", data):
        report = _Junit()
        _walk(data, report.visit)
        return report.counts()


def coverage(name: str, data: bytes) -> float | None:
    """Return the percentage of lines that a coverage report says were run.

    :param name: its file name: Cobertura ends in ``.xml``, the JSON of coverage.py in ``.json``, LCOV in ``.info`` or
        ``.lcov``.
    :returns: None where the file is no coverage report, or one that has measured nothing.
    :raises RollbackError: when it is one, and is cut off, says no possible number, or is not safe to read.
    """
    readers = {".xml": _cobertura, ".json": _json, ".info": _lcov, ".lcov": _lcov}
    reader = readers.get(PurePath(name).suffix.lower())
    if reader is None:
        return None
    with _readable(name, data):
        percent = reader(data)
        if percent is not None and percent > 100:
            raise ValueError(f"it says that {percent} % are covered")
        return percent


def coverage_of_files(name: str, data: bytes) -> dict[str, tuple[float, float]]:
    """Return by source file how many of its lines were run, and how many there are.

    :param name: the report's file name, as for :func:`coverage`.
    :returns: empty where the file is no coverage report.
    :raises RollbackError: when it is one, and is cut off or is not safe to read.
    """
    readers = {".xml": _cobertura_files, ".json": _json_files, ".info": _lcov_files, ".lcov": _lcov_files}
    reader = readers.get(PurePath(name).suffix.lower())
    if reader is None:
        return {}
    with _readable(name, data):
        return reader(data)


def _cobertura_files(data: bytes) -> dict[str, tuple[float, float]]:
    lines: dict[str, dict[str, bool]] = {}
    current: list[str] = []

    def visit(_depth: int, name: str, attributes: Mapping[str, str]) -> None:
        if name == "class" and "filename" in attributes:
            current[:] = [attributes["filename"]]
            lines.setdefault(current[0], {})
        elif name == "line" and current and "number" in attributes:
            # Once below its method and once below its class.
            known = lines[current[0]]
            number = attributes["number"]
            known[number] = known.get(number, False) or _number(attributes.get("hits", "0")) > 0

    _walk(data, visit)
    return {path: (float(sum(found.values())), float(len(found))) for path, found in lines.items()}


def _json_files(data: bytes) -> dict[str, tuple[float, float]]:
    document: Any = json.loads(data)
    files = document.get("files") if isinstance(document, dict) else None
    found = {}
    for path, entry in (files if isinstance(files, dict) else {}).items():
        summary = entry.get("summary") if isinstance(entry, dict) else None
        if isinstance(summary, dict) and {"covered_lines", "num_statements"} <= summary.keys():
            found[path] = (_number(summary["covered_lines"]), _number(summary["num_statements"]))
    return found


def _lcov_files(data: bytes) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    path, counts = "", {"F": 0.0, "H": 0.0}
    for line in data.decode("utf-8", "replace").splitlines():
        key, _separator, value = line.partition(":")
        if key == "SF":
            path, counts = value.strip(), {"F": 0.0, "H": 0.0}
        elif key in ("LF", "LH"):
            counts[key[1]] = _number(value)
        elif key == "end_of_record" and path:
            found[path] = (counts["H"], counts["F"])
    return found


@dataclass
class _Junit:
    """Collects what is counted and what the report says of itself."""

    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("tests", *_OUTCOMES.values()), 0))
    root: Mapping[str, str] = field(default_factory=dict)
    suites: list[Mapping[str, str]] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)

    def visit(self, depth: int, name: str, attributes: Mapping[str, str]) -> None:
        """Take one element in."""
        if depth == 0:
            if name not in _SUITES:
                raise ValueError(f"its root is {name:.40}")
            self.root = attributes
        elif depth == 1 and name in _SUITES:
            self.suites.append(attributes)
        elif name == "testcase":
            self.counted["tests"] += 1
            self.outcomes.clear()
        elif name in _OUTCOMES and name not in self.outcomes:
            # A test that fails twice is one failure.
            self.outcomes.add(name)
            self.counted[_OUTCOMES[name]] += 1

    def counts(self) -> Counts:
        """Return the larger of both, number by number."""
        larger = {name: max(number, int(self._said(name))) for name, number in self.counted.items()}
        return Counts(**larger, seconds=self._said("time"))

    def _said(self, name: str) -> float:
        if name in self.root:
            return _number(self.root[name])
        return sum(_number(suite.get(name, "0")) for suite in self.suites)


def _cobertura(data: bytes) -> float | None:
    root: dict[str, str] = {}

    def visit(depth: int, name: str, attributes: Mapping[str, str]) -> None:
        if depth == 0 and name == "coverage":
            root.update(attributes)

    _walk(data, visit)
    if "lines-valid" in root and "lines-covered" in root:
        return _percent(_number(root["lines-covered"]), _number(root["lines-valid"]))
    # Rounded by the tools that write it, so only where there are no counts.
    return _number(root["line-rate"]) * 100 if "line-rate" in root else None


def _json(data: bytes) -> float | None:
    document: Any = json.loads(data)
    totals = document.get("totals") if isinstance(document, dict) else None
    if not isinstance(totals, dict) or "percent_covered" not in totals:
        return None
    if totals.get("num_statements") == 0:
        return None
    return _number(totals["percent_covered"])


def _lcov(data: bytes) -> float | None:
    found, hit = (sum(int(count) for key, count in _LCOV.findall(data) if key == wanted) for wanted in (b"F", b"H"))
    return _percent(hit, found)


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def _number(text: object) -> float:
    number = float(str(text).replace(",", ""))
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{text!r:.40} is no count")
    return number


@contextmanager
def _readable(what: str, data: bytes) -> Iterator[None]:
    if len(data) > MOST:
        raise RollbackError(f"{what} is larger than {MOST >> 20} MB", _HINT)
    try:
        yield
    except (ValueError, expat.ExpatError, RecursionError) as error:
        raise RollbackError(f"{what} cannot be read: {error}", _HINT) from error


def _walk(data: bytes, visit: _Visit) -> None:
    """Show every element of an XML document, none of which is kept: its size in memory is not that of a tree.

    A document type that is only named is let through, since Istanbul's Cobertura report has one, and is never loaded.
    What one may hold (entities, default attributes) can make a small file a huge one, and is refused.
    """
    parser = expat.ParserCreate()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        visit(depth, name, attributes)
        depth += 1

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(_name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise ValueError("it declares entities or other parts of a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(data, True)
