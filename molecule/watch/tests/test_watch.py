# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1.0.0 answered with errors three times in a row, so the watch took the stack back to v0.9.0."""

from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.tests.support import molecule
from ansible_collections.tiered.rollback.tests.support.molecule import OLD

STACK = molecule.stack()


def test_the_service_is_healthy_runs_the_image_by_id_and_answers(host: Any) -> None:
    molecule.assert_serves(host, STACK, OLD)


def test_the_rollback_is_recorded_as_the_watchs(host: Any) -> None:
    record, _text = STACK.report()
    assert (record["playbook"], record["outcome"], record["to_version"]) == ("watch.yml", "succeeded", OLD)
    assert not [check["name"] for check in record["checks_after"] if not check["ok"]]
