# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both verifications touched nothing: v0.9.0 serves as it did, and no run is recorded."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_nothing_is_recorded_or_captured(host: Any) -> None:
    assert STACK.ledger() == []
    assert STACK.points() == []
