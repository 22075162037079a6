# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _manifest, _postgres
from ansible_collections.tiered.rollback.plugins.modules import pg_backup
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule


class Database:
    description: Any = type("Description", (), {"database": "shop"})

    def __init__(self) -> None:
        self.captured = 0

    def capture(self, directory: Path, _progress: Any) -> _manifest.DatabasePart:
        self.captured += 1
        (directory / "dump").write_bytes(b"x")
        files = {"dump": _manifest.DataFile(sha256="1", size=1)}
        return _manifest.DatabasePart(kind="postgres", files=files, schema="s1", tables={"public.a": 3})

    def schema(self) -> str:
        return "s1"

    def size(self) -> int:
        return 8


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    database = Database()
    monkeypatch.setattr(_postgres, "given", lambda _params: database)

    def call(*, check_mode: bool = False) -> dict[str, Any]:
        return pg_backup.act(FakeModule({"dest": str(tmp_path / "copy")}, check_mode))

    call.database = database  # type: ignore[attr-defined]
    return call


def test_a_copy_is_made_once(act: Any) -> None:
    first, second = act(), act()
    assert (first["changed"], second["changed"], act.database.captured) == (True, False, 1)
    assert first["part"] == second["part"]
    assert (first["tables"], first["schema"], first["size"]) == ({"public.a": 3}, "s1", 1)
    assert second["actions"] == []


def test_check_mode_gives_the_same_answer_and_writes_nothing(act: Any, tmp_path: Path) -> None:
    foretold = act(check_mode=True)
    assert not (tmp_path / "copy").exists()
    real = act()
    for key in ("changed", "dest", "schema", "actions", "diff"):
        assert foretold[key] == real[key]
    assert act(check_mode=True) == act()
