# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _data_gate
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart

PART = DatabasePart(kind="postgres", files={}, schema="12", tables={})


def _database(schema: str | None) -> Any:
    def ask() -> str:
        if schema is None:
            raise RollbackError("the server does not answer")
        return schema

    return SimpleNamespace(schema=ask)


@pytest.mark.parametrize(
    ("tier", "kind", "databases", "wanted"),
    [
        (1, "rollback", {"shop": PART}, False),
        (2, "rollback", {"shop": PART}, True),
        (3, "rollback", {"shop": PART}, False),
        (1, "undo", {"shop": PART}, True),
        (1, "undo", {}, False),
    ],
)
def test_data_goes_back_in_tier_2_and_in_the_undo_of_one(
    build: Any, tier: int, kind: str, databases: dict[str, Any], wanted: bool
) -> None:
    assert _data_gate.takes_data(tier, kind, build.point(databases=databases)) is wanted


def test_a_point_without_one_of_the_databases_is_refused(build: Any) -> None:
    point = build.point(databases={"shop": PART})
    _data_gate.refuse_mismatch(point, ["shop"])
    with pytest.raises(RollbackError, match="holds no copy of audit"):
        _data_gate.refuse_mismatch(point, ["shop", "audit"])
    with pytest.raises(RollbackError, match="holds shop, which rollback_stack does not describe"):
        _data_gate.refuse_mismatch(build.point(databases={"shop": PART, "audit": PART}), ["audit"])
    with pytest.raises(RollbackError, match="describes no database") as caught:
        _data_gate.refuse_mismatch(point, [])
    assert "tier1-emergency.yml" in caught.value.hint


def test_images_may_go_alone_where_the_schema_is_the_same(build: Any) -> None:
    point = build.point(databases={"shop": PART})
    _data_gate.refuse_other_schema(point, {"shop": _database("12")})
    _data_gate.refuse_other_schema(point, {})


@pytest.mark.parametrize(("schema", "message"), [("13", "another schema"), (None, "cannot be compared")])
def test_images_may_not_go_alone_across_a_migration(build: Any, schema: str | None, message: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught:
        _data_gate.refuse_other_schema(build.point(databases={"shop": PART}), {"shop": _database(schema)})
    assert "schema_compatible=true" in caught.value.hint
    assert schema is None or "tier2-standard.yml -e version=v0.9.0" in caught.value.hint
