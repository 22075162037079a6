# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of survived faults is made of what whole files of tests found, whenever each of them ran."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.tiered.rollback.tests.support import fault_table

KILLED, CUT = ("tier1-emergency", "kill"), ("tier1-emergency", "registry")
TESTS = {
    "tests/faults/test_killed.py::test_one[a]": KILLED,
    "tests/faults/test_killed.py::test_one[b]": KILLED,
    "tests/faults/test_cut.py::test_two": CUT,
    "tests/faults/test_cut.py::test_three": KILLED,
}
DOCS = Path(__file__).resolve().parents[2] / "docs"


def _page(where: Path) -> Path:
    page = where / "faults.md"
    page.write_text(f"Head\n{fault_table.BEGIN}\nold\n{fault_table.END}\nFoot\n", encoding="utf-8")
    return page


def test_what_failed_is_counted_as_not_survived(tmp_path: Path) -> None:
    page = _page(tmp_path)
    fault_table.keep(page, TESTS, TESTS.keys() - {"tests/faults/test_killed.py::test_one[b]"}, "today")
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"Head\n{fault_table.BEGIN}\n**3 of 4 injections survived.**\n")
    assert "| `tier1-emergency.yml` | 2 of 3 |  |  | 1 of 1 |  |  |" in text
    assert "| `test_killed.py` | 1 of 2 injections survived | today |" in text
    assert text.endswith(f"{fault_table.END}\nFoot\n")
    assert "old" not in text


def test_a_file_that_ran_again_replaces_what_it_found_and_leaves_the_others(tmp_path: Path) -> None:
    page = _page(tmp_path)
    fault_table.keep(page, TESTS, [], "yesterday")
    again = {test: where for test, where in TESTS.items() if "test_cut" in test}
    fault_table.keep(page, again, again.keys(), "today")
    text = page.read_text(encoding="utf-8")
    assert "**2 of 4 injections survived.**" in text
    assert "| `test_killed.py` | 0 of 2 injections survived | yesterday |" in text
    assert "| `test_cut.py` | 2 of 2 injections survived | today |" in text


def test_the_page_says_what_is_kept() -> None:
    kept = json.loads((DOCS / "faults.json").read_text(encoding="utf-8"))
    assert fault_table.describe(kept) in (DOCS / "faults.md").read_text(encoding="utf-8")
