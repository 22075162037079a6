# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _pg_copy
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart, DataFile

PART = DatabasePart(kind="postgres", files={"dump": DataFile(sha256="1", size=1)}, schema="1", tables={"a": 1})


class Database:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def capture(self, directory: Path, progress: Any) -> DatabasePart:
        progress(1, 1, "bytes")
        (directory / "dump").write_bytes(b"x")
        if self.error:
            raise self.error
        return PART


def test_a_copy_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert _pg_copy.create(Database(), tmp_path / "a" / "copy") == PART  # type: ignore[arg-type]
    assert _pg_copy.load(tmp_path / "a" / "copy") == PART
    assert (tmp_path / "a" / "copy").stat().st_mode & 0o777 == 0o700


def test_a_copy_that_fails_leaves_nothing_and_one_that_was_killed_is_made_anew(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="broke"):
        _pg_copy.create(Database(RollbackError("broke")), tmp_path / "copy")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".copy.unfinished").mkdir()
    (tmp_path / ".copy.unfinished" / "old").touch()
    _pg_copy.create(Database(), tmp_path / "copy")  # type: ignore[arg-type]
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["dump", "part.json"]


@pytest.mark.parametrize(
    ("data", "expected"), [(None, "holds no copy"), (b"{", "is damaged"), (b"[]", "malformed"), (b"{}", "malformed")]
)
def test_what_is_no_copy_is_refused(tmp_path: Path, data: bytes | None, expected: str) -> None:
    if data is not None:
        _files.write(tmp_path / "part.json", data)
    with pytest.raises(RollbackError, match=expected):
        _pg_copy.load(tmp_path)


def test_a_copy_is_named_by_its_content() -> None:
    other = replace(PART, files={"dump": DataFile(sha256="2", size=1)})
    assert _pg_copy.point(PART) == _pg_copy.point(replace(PART)) != _pg_copy.point(other)
