# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _files, _pg_capture
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart, DataFile


@pytest.fixture
def part(tmp_path: Path) -> DatabasePart:
    """A small copy, whole."""
    (tmp_path / "dump").mkdir()
    contents = {"dump/toc.dat": b"toc", "catalog.json": b'{"schema": [], "rights": []}'}
    for path, data in contents.items():
        (tmp_path / path).write_bytes(data)
    files = {path: DataFile(sha256=_files.sha256(data), size=len(data)) for path, data in contents.items()}
    return DatabasePart(kind="postgres", files=files, schema="1", tables={})


def test_a_whole_copy_says_what_the_catalog_said(part: DatabasePart, tmp_path: Path) -> None:
    assert _pg_capture.verify(tmp_path, part) == {"schema": [], "rights": []}


@pytest.mark.parametrize(("data", "expected"), [(None, "is missing"), (b"to", "is damaged"), (b"toC", "is damaged")])
def test_a_file_that_is_not_what_it_was_is_named(
    part: DatabasePart, tmp_path: Path, data: bytes | None, expected: str
) -> None:
    path = tmp_path / "dump/toc.dat"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(RollbackError, match=rf"dump/toc\.dat .* {expected}"):
        _pg_capture.verify(tmp_path, part)


def test_a_copy_of_another_kind_is_refused(part: DatabasePart, tmp_path: Path) -> None:
    for other in (replace(part, kind="sqlite"), replace(part, files={})):
        with pytest.raises(RollbackError, match="no copy of a PostgreSQL database"):
            _pg_capture.verify(tmp_path, other)
