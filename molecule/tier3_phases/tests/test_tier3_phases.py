# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both phases are done, one after the other: a service of v0.9.0, and a flag of it off."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule, parts
from ansible_collections.tiered.rollback.tests.support.molecule import NEW, OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_both_phases_are_done_and_what_is_to_be_kept_was_left_alone() -> None:
    assert STACK.ask("/api/status").document["other"] == "false"
    molecule.assert_parts(STACK, {"api": OLD, "web": NEW}, parts.settings(OLD))
