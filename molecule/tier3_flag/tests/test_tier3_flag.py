# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flag is off in the environment file and in the service that reads it; the other was left alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule, parts
from ansible_collections.tiered.rollback.tests.support.molecule import NEW

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, NEW)


def test_the_flag_is_off_and_the_other_service_was_left_alone() -> None:
    assert STACK.ask("/api/status").document["greeting"] == "false"
    molecule.assert_parts(STACK, {"api": NEW, "web": NEW}, parts.settings(NEW, "false"))
