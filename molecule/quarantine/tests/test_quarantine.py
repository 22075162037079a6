# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1.0.0 was rolled back from, and released: once, though the play ran twice."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _quarantine
from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW, OLD

STACK = molecule.stack()


def test_the_service_was_left_alone(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_rollback_held_it_and_one_line_of_the_ledger_let_it_go() -> None:
    rollback, release = STACK.ledger()
    assert list(_quarantine.held([rollback])) == [NEW]
    assert (release["kind"], release["release"]) == ("quarantine", NEW)
    assert list(_quarantine.held([rollback, release])) == []
