# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _order
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

NEEDS = {"web": ("api",), "api": ("db", "cache")}


@pytest.mark.parametrize(
    ("names", "needed_first", "wanted"),
    [
        ("web api db cache", True, [("cache", "db"), ("api",), ("web",)]),
        ("web api db cache", False, [("web",), ("api",), ("cache", "db")]),
        # What stands between two is not updated itself, and they stay in order all the same.
        ("web db", False, [("web",), ("db",)]),
        ("other mail", True, [("mail", "other")]),
        ("", True, []),
    ],
)
def test_who_needs_each_other_is_never_updated_at_once(
    names: str, needed_first: bool, wanted: list[tuple[str, ...]]
) -> None:
    assert _order.waves(names.split(), NEEDS, needed_first=needed_first) == wanted


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(RollbackError, match=r"no order exists, (a needs b needs a|b needs a needs b)"):
        _order.refuse_cycle({"a": ("b",), "b": ("a",)}, "rollback_stack.services")
    _order.refuse_cycle(NEEDS, "rollback_stack.services")
