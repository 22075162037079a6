# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v0.9.0 runs again, nobody asked for it by hand, and the same event changes nothing more."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)
    molecule.assert_configured(host, STACK, OLD)


def test_one_run_is_on_record_and_says_which_event_asked_for_it() -> None:
    (entry,) = STACK.ledger()
    assert (entry["outcome"], entry["event"]["source"]) == ("succeeded", "alertmanager")
    assert entry["decision"]["severity"] == "critical"
