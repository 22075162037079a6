# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what was injected into which playbook and survived, printed at the end and kept in the docs.

A full run takes hours. What each file of tests found is kept by itself, so that it can be done in parts.
"""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import yaml
from ansible.release import __version__ as ansible_version
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT

FAULTS = {
    "kill": "`kill -9`",
    "engine": "engine restarted",
    "disk": "disk full",
    "registry": "registry cut off",
    "database": "database cut off",
    "api": "API cut off",
}
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
#: By playbook and fault: how many were survived, and of how many.
Counts: TypeAlias = dict[tuple[str, str], tuple[int, int]]


def count(tests: Mapping[str, tuple[str, str]], good: Collection[str]) -> Counts:
    """Count what was survived.

    :param tests: playbook and fault, by test.
    :param good: the tests that passed.
    """
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for test, where in tests.items():
        found[where].append(test in good)
    return {where: (sum(results), len(results)) for where, results in found.items()}


def add(parts: Collection[Counts]) -> Counts:
    """Add counts up."""
    keys = {where for part in parts for where in part}
    shares = {where: [part[where] for part in parts if where in part] for where in keys}
    return {where: (sum(one for one, _of in each), sum(of for _one, of in each)) for where, each in shares.items()}


def render(counts: Counts) -> str:
    """Return the table in Markdown."""
    rows = [["playbook", *FAULTS.values()], ["---"] * (len(FAULTS) + 1)]
    for playbook in sorted({playbook for playbook, _fault in counts}):
        cells = [counts.get((playbook, fault)) for fault in FAULTS]
        rows.append([f"`{playbook}.yml`", *(f"{cell[0]} of {cell[1]}" if cell else "" for cell in cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def total(counts: Counts) -> str:
    """Say it in one line."""
    survived, injected = (sum(each[number] for each in counts.values()) for number in (0, 1))
    return f"{survived} of {injected} injections survived"


def circumstances(seed: str) -> str:
    """Say when it is, what chose the moments, and on what it runs."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    server = engine.docker("version", "--format", "{{.Server.Version}}")
    compose = engine.docker("compose", "version", "--short")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}; tiered.rollback {galaxy['version']},"
        f" ansible-core {ansible_version}, Python {platform.python_version()}, Docker {server}, Compose {compose}"
    )


def keep(page: Path, tests: Mapping[str, tuple[str, str]], good: Collection[str], said: str) -> None:
    """Keep what files of tests found beside a page, in place of what they found before, and make the page's table.

    :param tests: playbook and fault, by test, which names its file; all of each file's.
    :param said: of :func:`circumstances`.
    """
    data = page.with_suffix(".json")
    kept = json.loads(data.read_text(encoding="utf-8")) if data.exists() else {}
    for file in {test.partition("::")[0] for test in tests}:
        mine = count({test: where for test, where in tests.items() if test.partition("::")[0] == file}, good)
        kept[Path(file).name] = {"said": said, "found": [[*where, *shares] for where, shares in sorted(mine.items())]}
    data.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    assert end, f"{page} does not say where results belong: {BEGIN} ... {END}"
    page.write_text(f"{before}{BEGIN}\n{describe(kept)}\n{END}{after}", encoding="utf-8")


def describe(kept: Mapping[str, Mapping[str, object]]) -> str:
    """Return what a page says of kept results: a line, the table, and where each file of tests ran."""
    parts = {
        file: {(playbook, fault): (one, of) for playbook, fault, one, of in part["found"]}  # type: ignore[attr-defined]
        for file, part in kept.items()
    }
    counts = add(list(parts.values()))
    rows = [f"| `{file}` | {total(parts[file])} | {part['said']} |" for file, part in sorted(kept.items())]
    head = ["| tests | | run |", "| --- | --- | --- |"]
    return "\n".join([f"**{total(counts)}.**", "", render(counts), "", *head, *rows])
