# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service runs v0.9.0 again with the settings that only it reads; the other was left alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule, parts
from ansible_collections.tiered.rollback.tests.support.molecule import NEW, OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_other_service_was_left_alone() -> None:
    molecule.assert_parts(STACK, {"api": OLD, "web": NEW}, parts.settings(OLD))
