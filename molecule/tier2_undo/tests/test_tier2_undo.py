# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollback was undone: v1.0.0 runs on the database that the rollback had put aside."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, NEW)


def test_every_row_is_as_it_was_and_no_acknowledged_row_is_lost() -> None:
    molecule.assert_data(STACK, NEW)
