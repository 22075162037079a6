# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _situation
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe


def _seen(operator: Any) -> tuple[Any, Any]:
    context = operator.deployment.context()
    return context, observe(context.stack, context.engine, context.compose)


def test_the_way_back_is_the_newest_proven_point_that_is_not_quarantined(operator: Any) -> None:
    context, _now = _seen(operator)
    assert _situation.way_back(context).version == "v0.9.0"
    newest = operator.capture("v1.0.0")["restore_point"]
    assert _situation.way_back(context).id == newest
    operator.switch()
    assert _situation.way_back(context).version == "v0.9.0"
    assert _situation.free(context, list(context.store.points())) == ["v0.9.0"]
    operator.deployment.world.images.pop(operator.build.image_id("v0.9.0"))
    with pytest.raises(RollbackError, match=r"the images of api, web in v0\.9\.0-.* are gone"):
        _situation.way_back(context)


def test_a_schema_that_differs_or_cannot_be_read_has_changed(operator: Any) -> None:
    database = operator.deployment.add_database()
    operator.capture("v1.0.0")
    context, now = _seen(operator)
    (point,) = [each for each in context.store.points() if each.version == "v1.0.0"]
    (bare,) = [each for each in context.store.points() if each.version == "v0.9.0"]
    assert not _situation.schema_changed(context, now, point)
    database.version = "2"
    assert _situation.schema_changed(context, now, point)
    database.version, database.failing["schema"] = "1", RollbackError("no connection")
    assert _situation.schema_changed(context, now, point)
    assert not _situation.schema_changed(context, now, bare)


def test_what_runs_has_a_name(operator: Any) -> None:
    assert _situation.running(*_seen(operator)) == "v1.0.0"
