# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite_swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import sqlite

RUN = "20261121T030000Z-abcdef"


def _pair(directory: Path, mode: str = "wal") -> tuple[Path, Path]:
    """A live database of 100 authors and a staged one of 50."""
    live = sqlite.make(directory / "app.db", mode=mode)
    staged = sqlite.make(directory / ".app.db.prepared-1", mode=mode, rows=50)
    return live, staged


def test_a_stale_log_is_not_replayed_over_the_new_file(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path)
    sqlite.crash(live, "wal")
    _sqlite_swap.exchange(live, staged, RUN)
    assert not list(tmp_path.glob("app.db-*"))
    assert sqlite.rows(live) == 50
    assert sqlite.rows(live, "PRAGMA integrity_check") == "ok"


def test_a_commit_that_is_only_in_the_old_files_log_is_kept_with_it(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path)
    sqlite.crash(live, "wal")
    _sqlite_swap.exchange(live, staged, RUN)
    assert sqlite.rows(_sqlite_swap.displaced_name(live, RUN)) == 101


def test_an_interrupted_transaction_of_the_old_file_is_undone_in_what_is_kept(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path, "delete")
    sqlite.crash(live, "delete")
    _sqlite_swap.exchange(live, staged, RUN)
    kept = _sqlite_swap.displaced_name(live, RUN)
    assert sqlite.rows(kept, "SELECT count(*) FROM author WHERE name = 'never committed'") == 0
    assert sqlite.rows(live) == 50


def test_a_damaged_file_keeps_its_log_and_is_no_target_for_an_undo(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path)
    sqlite.crash(live, "wal")
    sqlite.damage(live, page=0)
    _sqlite_swap.exchange(live, staged, RUN)
    kept = _sqlite_swap.displaced_name(live, RUN)
    assert kept.with_name(f"{kept.name}-wal").stat().st_size
    assert sqlite.rows(live) == 50
    (listed,) = _sqlite_swap.displaced(live)
    assert listed.size > kept.stat().st_size
    with pytest.raises(RollbackError, match="cannot be made live"):
        _sqlite_swap.check(live, kept, "20261121T040000Z-fedcba")
    _sqlite_swap.remove(kept)
    assert {path.name for path in tmp_path.iterdir()} == {"app.db"}


def test_a_database_that_is_gone_comes_back(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path)
    live.unlink()
    _sqlite_swap.check(live, staged, RUN)
    _sqlite_swap.exchange(live, staged, RUN)
    assert sqlite.rows(live) == 50
    assert _sqlite_swap.done(live, RUN)


def test_going_back_to_what_is_live_still_does_nothing(tmp_path: Path) -> None:
    """A run that was killed between its link and its rename leaves two names of one file."""
    live, _staged = _pair(tmp_path)
    linked = _sqlite_swap.displaced_name(live, RUN)
    linked.hardlink_to(live)
    assert not _sqlite_swap.displaced(live)
    _sqlite_swap.check(live, linked, "20261121T040000Z-fedcba")
    _sqlite_swap.exchange(live, linked, "20261121T040000Z-fedcba")
    assert sqlite.rows(live) == 100
    assert not _sqlite_swap.done(live, "20261121T040000Z-fedcba")


def test_a_run_cannot_go_back_to_what_it_put_aside_itself(tmp_path: Path) -> None:
    live, _staged = _pair(tmp_path)
    shutil.copy(live, tmp_path / "other")
    own = _sqlite_swap.displaced_name(live, RUN)
    live.rename(own)
    with pytest.raises(RollbackError, match="put aside itself"):
        _sqlite_swap.check(live, own, RUN)


def test_a_file_that_somebody_writes_to_is_not_settled(tmp_path: Path) -> None:
    live, _staged = _pair(tmp_path)
    sqlite.crash(live, "wal")
    with closing(sqlite3.connect(live, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(RollbackError, match="is in use"):
            _sqlite_swap.settle(live)


def test_what_was_put_aside_is_listed_oldest_first(tmp_path: Path) -> None:
    live, staged = _pair(tmp_path)
    _sqlite_swap.exchange(live, staged, "20261121T030000Z-bbbbbb")
    _sqlite_swap.exchange(live, sqlite.make(tmp_path / ".next", rows=10), "20261121T030000Z-aaaaaa")
    found = _sqlite_swap.displaced(live)
    assert [entry.run for entry in found] == ["20261121T030000Z-bbbbbb", "20261121T030000Z-aaaaaa"]
    assert all(entry.at.endswith("+00:00") and entry.size for entry in found)
