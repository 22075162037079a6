# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 1 was rehearsed on a copy of v0.9.0 whose container was killed; v1.0.0 runs on as if nothing had been."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import NEW

STACK = molecule.stack()


def test_production_was_not_touched_and_nothing_is_left(host: Any) -> None:
    record = molecule.assert_only_rehearsed(STACK, "container_kill")
    molecule.assert_serves(host, STACK, NEW)
    molecule.assert_configured(host, STACK, NEW)
    assert (record["tier"], record["budget"]) == (1, 300)
    assert 0 < record["duration"] < record["budget"]
    assert "api is not running (exit code 137)" in record["drill"]["noticed"]
    assert record["drill"]["recovered_after"] > 0


def test_the_copy_was_under_load_on_a_port_of_its_own() -> None:
    record, _text = STACK.report()
    for probes in (record["drill"]["load"], record["probe"]):
        ((url, probe),) = probes.items()
        assert f":{STACK.port}/" not in url
        assert probe["unreachable"] > 0
