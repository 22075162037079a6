# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.tiered.rollback.plugins.action import phases_info


def _never(**_: Any) -> dict[str, Any]:
    raise AssertionError("the target is not asked")


def test_the_file_is_read_on_the_controller(make: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "phases.yml"
    path.write_text("phases: [{name: configuration, config: newest}]\n")
    result = make(phases_info.ActionModule, {"path": str(path)}, _never).run(task_vars={})
    assert (result["changed"], [phase["config"] for phase in result["phases"]]) == (False, ["newest"])


def test_what_is_wrong_with_it_fails_the_task_with_a_hint(make: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match=r"cannot be read[\s\S]*HINT: It is a file on the controller"):
        make(phases_info.ActionModule, {"path": str(tmp_path / "none")}, _never).run(task_vars={})
