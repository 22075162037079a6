# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._pg_loss import Entry, merge
from hypothesis import given
from hypothesis import strategies as st

ROWS = st.dictionaries(st.integers(0, 9), st.integers(0, 3), max_size=8)


def _keyed(rows: dict[int, int]) -> list[Entry]:
    return [(key, 0, value) for key, value in sorted(rows.items())]


@given(ROWS, ROWS)
def test_rows_with_a_key_are_added_removed_or_changed(live: dict[int, int], staged: dict[int, int]) -> None:
    assert merge(iter(_keyed(live)), iter(_keyed(staged)), True) == (
        len(live.keys() - staged.keys()),
        len(staged.keys() - live.keys()),
        sum(live[key] != staged[key] for key in live.keys() & staged.keys()),
    )


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)))
def test_equal_rows_without_a_key_are_counted(live: list[int], staged: list[int]) -> None:
    here, there = Counter(live), Counter(staged)
    added, removed, changed = merge(iter(_keyed(dict(here))), iter(_keyed(dict(there))), False)
    assert (added, removed, changed) == ((here - there).total(), (there - here).total(), 0)


@pytest.mark.parametrize("keyed", [True, False])
def test_two_equal_sides_have_no_difference(keyed: bool) -> None:
    assert merge(iter([(1, 2, 3)]), iter([(1, 2, 3)]), keyed) == (0, 0, 0)
