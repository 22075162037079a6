# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils._accepted import accepted


def test_a_playbook_takes_its_own_variables_and_those_of_every_run() -> None:
    assert accepted({"playbook": "x.yml"}) == ["reason", "began_at", "detected_at"]
    found = accepted({"playbook": "x.yml", "required": ["version"], "optional": ["mcp"]})
    assert found == ["version", "mcp", "reason", "began_at", "detected_at"]


def test_one_that_asks_the_matrix_takes_what_it_is_asked_by_too() -> None:
    found = accepted({"playbook": "x.yml", "tier": "1", "required": ["version"], "optional": None})
    assert found[:3] == ["version", "reason", "severity"]
    assert {"issue", "override_reason", "approved_by"} <= set(found)
