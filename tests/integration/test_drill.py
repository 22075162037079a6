# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills on a stack that is in use: refused where they could reach it, and without a trace where they are killed.

What a drill that succeeds shows is in Molecule's drill_kill and drill_migration.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import Tier2Sqlite


def test_a_drill(make_stack: Any) -> None:
    stack = make_stack()
    database = Tier2Sqlite(stack)
    database.begin()
    stack.capture("v0.9.0")
    outcome = stack.run("drill.yml", "-v", fault="container_kill")
    print(outcome.output)
    outcome.ok()
