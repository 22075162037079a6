# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _manifest, _postgres
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Displaced, TableLoss
from ansible_collections.tiered.rollback.plugins.modules import pg_restore
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule

LOSS = [TableLoss(table="public.a", added=1, removed=0, changed=None)]


class Database:
    """Remembers what is staged, and what was asked of it."""

    description: Any = type("Description", (), {"database": "shop"})

    def __init__(self) -> None:
        self.staged: list[str] = []
        self.aside: list[Displaced] = []
        self.rows: list[TableLoss] = LOSS
        self.calls: list[str] = []

    def staged_name(self, _point: str) -> str:
        return "shop_prepared_1"

    def prepared(self) -> list[str]:
        return self.staged

    def verify(self, *_: Any) -> None:
        self.calls.append("verify")

    def stage(self, *_: Any) -> None:
        self.calls.append("stage")
        self.staged = ["shop_prepared_1"]

    def discard(self, staged: str) -> None:
        self.calls.append("discard")
        self.staged.remove(staged)

    def gather_statistics(self, staged: str) -> None:
        assert staged in self.staged
        self.calls.append("gather_statistics")

    def loss(self, _staged: str) -> list[TableLoss]:
        return self.rows

    def schema(self) -> str:
        return "s1"

    def displaced(self) -> list[Displaced]:
        return self.aside

    def restore_in_place(self, *_: Any) -> list[str]:
        self.calls.append("in place")
        return ["relation r public.later"]

    def swap(self, swaps: list[Any]) -> None:
        self.calls.append("swap")
        (one,) = swaps
        self.staged.remove(one.staged)
        self.aside.append(Displaced(name="shop_displaced", run=one.run, at="now", size=1))


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr(_postgres, "swap", made.swap)
    monkeypatch.setattr(_postgres, "given", lambda _params: made)
    return made


@pytest.fixture
def act(tmp_path: Path, database: Database) -> Any:
    part = {"kind": "postgres", "files": {"dump": {"sha256": "1", "size": 1}}, "schema": "s1", "tables": {}}
    _files.write(tmp_path / "part.json", _files.dump_json(part))
    assert _manifest.database_part(part).properties == {}

    def call(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {"src": str(tmp_path), "mode": "aside", "swap": False, **changes}
        return pg_restore.act(FakeModule(params, check_mode))

    return call


def test_a_copy_is_restored_aside_once_and_the_loss_is_told(act: Any, database: Database) -> None:
    first, second = act(), act()
    assert (first["changed"], second["changed"], database.calls) == (True, False, ["stage", "gather_statistics"])
    assert first["loss"] == [{"table": "public.a", "added": 1, "removed": 0, "changed": None}] == second["loss"]
    assert first["displaced"] is None


def test_a_swap_names_what_was_displaced(act: Any, database: Database) -> None:
    found = act(swap=True)
    assert (found["displaced"], found["changed"]) == ("shop_displaced", True)
    assert database.calls == ["stage", "gather_statistics", "swap"]


def test_a_live_database_that_equals_the_copy_is_left_alone(act: Any, database: Database) -> None:
    database.rows = []
    found = act(swap=True)
    assert (found["changed"], found["actions"]) == (False, [])
    assert database.calls == ["stage", "gather_statistics", "discard"]


@pytest.mark.parametrize("changes", [{}, {"swap": True}, {"mode": "in_place"}])
def test_check_mode_gives_the_same_answer_and_moves_nothing(
    act: Any, database: Database, changes: dict[str, Any]
) -> None:
    foretold = act(check_mode=True, **changes)
    assert database.calls == ["verify"]
    real = act(**changes)
    for key in ("changed", "prepared", "actions", "diff"):
        assert foretold[key] == real[key]


def test_a_restore_in_place_says_what_it_left(act: Any, database: Database) -> None:
    found = act(mode="in_place")
    assert (found["left"], found["prepared"], database.calls) == (["relation r public.later"], None, ["in place"])
