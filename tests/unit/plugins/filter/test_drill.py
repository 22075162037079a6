# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tiered.rollback.plugins.filter import drill

FILTERS = drill.FilterModule().filters()


def test_when_drills_start_is_said_by_name_and_number() -> None:
    found = FILTERS["drill_schedule"](3, 30, "Europe/Berlin", "2026-11-27")
    assert found["awx"].startswith("DTSTART;TZID=Europe/Berlin:20261127T033000 RRULE:")
    assert FILTERS["drill_schedule"](3)["cron"] == "0 3 * * 5"
    with pytest.raises(AnsibleFilterError, match="no such time of day"):
        FILTERS["drill_schedule"](99)


def test_a_copy_is_described() -> None:
    plan: dict[str, Any] = {"name": "drill-x", "project_src": "/s", "services": [], "ports": {}, "sqlite": {}}
    assert FILTERS["staging_stack"]({"name": "x", "project_src": "/opt/x"}, plan)["name"] == "drill-x"
