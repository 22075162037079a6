# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _target
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe


def _find(deployment: Any, version: str) -> Any:
    params = {"kind": "rollback", "version": version, "undo_run": None, "tier": 1, "schema_compatible": False}
    whole = {
        "components": [],
        "flags": {},
        "config": None,
        "keep": [],
        "snapshot": None,
        "levels": None,
        "mcp": True,
        "phase": None,
    }
    ctx = deployment.context(**params, **whole)
    return _target.find(ctx, observe(ctx.stack, ctx.engine, ctx.compose), None)


def test_the_target_is_found_with_its_plan_and_what_runs_is_known(captured: Any) -> None:
    target = _find(captured, version="v0.9.0")
    assert (target.point.version, [point.version for point in target.current]) == ("v0.9.0", ["v1.0.0"])
    assert target.missing == {}
    assert _target.describe(target)["plan"]["steps"]


def test_the_plan_to_what_runs_is_empty(captured: Any) -> None:
    assert _find(captured, version="v1.0.0").plan.steps == ()


@pytest.mark.parametrize("part", ["compose.json", "files/.env", "manifest.json"])
def test_a_target_with_a_changed_byte_is_refused_before_anything_is_touched(captured: Any, part: str) -> None:
    point_id = _find(captured, version="v0.9.0").point.id
    path = captured.context().store.root / point_id / part
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RollbackError, match="damaged"):
        _find(captured, version=point_id)
    assert captured.world.calls == []
