# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Displaced
from ansible_collections.tiered.rollback.plugins.modules import pg_database_info
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule


class Database:
    def __getattr__(self, name: str) -> Any:
        aside = [Displaced(name="shop_displaced_r", run="r", at="now", size=3)]
        answers = {"identity": "7/1", "schema": "s", "size": 8, "prepared": ("shop_prepared_1",), "displaced": aside}
        return lambda: answers[name]


def test_it_tells_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_postgres, "given", lambda _params: Database())
    assert pg_database_info.act(FakeModule({})) == {
        "changed": False,
        "identity": "7/1",
        "schema": "s",
        "size": 8,
        "prepared": ["shop_prepared_1"],
        "displaced": [{"name": "shop_displaced_r", "run": "r", "at": "now", "size": 3}],
    }
