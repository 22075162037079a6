# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.action import image_build


def test_the_module_is_sent_once_with_its_own_arguments(make: Any) -> None:
    calls: list[dict[str, Any]] = []
    action = make(
        image_build.ActionModule,
        {"version": "v0.9.0"},
        lambda **named: calls.append(named) or {"changed": True},
    )
    assert action.run(task_vars={}) == {"changed": True}
    (call,) = calls
    assert (call["module_name"], call["module_args"]) == (
        "tiered.rollback.image_build",
        {"version": "v0.9.0"},
    )
