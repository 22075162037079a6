# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 was rehearsed on a copy whose largest table a migration dropped; production's data is as it was."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW

STACK = molecule.stack()


def test_production_was_not_touched_and_nothing_is_left(host: Any) -> None:
    record = molecule.assert_only_rehearsed(STACK, "bad_migration")
    molecule.assert_serves(host, STACK, NEW)
    database = molecule.tier2(STACK)
    assert database is not None
    assert database.orders() == molecule.noted(STACK)[NEW]["orders"]
    # Its writer never stopped, and wrote nowhere else.
    assert database.acknowledged() <= database.rows()
    assert database.databases() == [database.DATABASE]
    assert (record["tier"], record["budget"]) == (2, 1800)


def test_the_copy_had_every_row_of_the_restore_point_again() -> None:
    record, _text = STACK.report()
    assert record["error"] is None
    steps = [step["action"] for step in record["plan"]["steps"]]
    assert "swap_database" in steps
    for table in record["drill"]["data"]["library.db"]:
        assert (table["removed"], table["changed"]) == (0, 0)
    # What the migration ruined was missing, so there was something to be brought back.
    assert any(table["removed"] for table in record["loss"]["library.db"])
