# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One module as the one task of a play, on a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.tiered.rollback.tests.support.stack import Stack


def call(on: Stack, tmp_path: Path, module: str, *arguments: str, **options: Any) -> dict[str, Any]:
    """Run one module as a task and return its result; a failure is a result too."""
    result = tmp_path / "result.json"
    tasks = [
        {f"tiered.rollback.{module}": options, "register": "found", "ignore_errors": True},
        {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(result)}, "check_mode": False},
    ]
    play = tmp_path / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    outcome = on.run(str(play), *arguments)
    assert "hunter2" not in outcome.output
    return dict(json.loads(result.read_text())) if result.exists() else {"output": outcome.output}
