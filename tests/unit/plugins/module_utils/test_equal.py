# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _equal
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe


def test_a_point_that_cannot_be_read_whole_is_not_what_runs(captured: Any) -> None:
    ctx = captured.context()
    now = observe(ctx.stack, ctx.engine, ctx.compose)
    points = list(ctx.store.points())
    assert [point.version for point in _equal.points(ctx.stack, ctx.store, now, points)] == ["v1.0.0"]
    (ctx.store.root / points[1].id / "compose.json").write_bytes(b"{}")
    assert _equal.points(ctx.stack, ctx.store, now, points) == []
