# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_backup
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite


def test_what_was_kept_is_read_as_it_was_written(tmp_path: Path) -> None:
    database, dest = sqlite.database(sqlite.make(tmp_path / "app.db")), tmp_path / "backups" / "one"
    assert _sqlite_backup.read(dest) is None
    with _sqlite_backup.captured(database, dest) as (temporary, part):
        _sqlite_backup.keep(temporary, part, dest)
    assert _sqlite_backup.read(dest) == part
    assert dest.stat().st_mode & 0o777 == dest.parent.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"app.db", "backups"}


def test_a_capture_that_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    database = sqlite.database(sqlite.make(tmp_path / "app.db"))
    with _sqlite_backup.captured(database, tmp_path / "none" / "one"):
        pass
    sqlite.damage(database.live)
    with pytest.raises(RollbackError), _sqlite_backup.captured(database, tmp_path / "none" / "one"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"app.db"}


@pytest.mark.parametrize(("text", "message"), [("{", "is damaged"), ('{"kind": "sqlite"}', "malformed"), ("1", "malf")])
def test_a_backup_that_does_not_say_what_it_holds_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "backup.json").write_text(text)
    with pytest.raises(RollbackError, match=message):
        _sqlite_backup.read(tmp_path)
