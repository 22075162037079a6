# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database, Swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import DatabasePart
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import COPY, SqliteDatabase
from ansible_collections.tiered.rollback.tests.support import sqlite

POINT, RUN = "v0.9.0-20261121", "20261121T030000Z-abcdef"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class World:
    """A live database of 100 authors, its copy, and 10 more authors since."""

    def __init__(self, directory: Path, mode: str = "wal") -> None:
        self.live = sqlite.make(directory / "app.db", mode=mode)
        self.database: SqliteDatabase = sqlite.database(self.live)
        self.copy = directory / "point"
        self.part = self.database.capture(self.copy, sqlite.quiet)
        sqlite.execute(self.live, *["INSERT INTO author (name) VALUES ('since')"] * 10)

    def stage(self, point: str = POINT) -> str:
        return self.database.stage(self.copy, self.part, point, sqlite.quiet)

    def swap(self, staged: str, run: str = RUN) -> None:
        _sqlite.swap([Swap(database=self.database, staged=staged, run=run)])

    def files(self) -> set[str]:
        return {path.name for path in self.live.parent.iterdir() if path.is_file()}


@pytest.fixture(params=["wal", "delete"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(tmp_path, request.param)


def test_it_is_a_database_as_capture_and_switch_ask(world: World) -> None:
    found: Database = world.database
    assert (found.name, found.group) == ("library", "sqlite:library")
    stat = world.live.stat()
    assert found.identity() == f"{stat.st_dev}:{stat.st_ino}"
    assert found.size() >= stat.st_size
    assert found.schema() == world.part.schema


def test_what_is_half_made_is_listed_and_can_be_removed(world: World) -> None:
    staged = world.stage()
    half = f"{world.database.staged_name('other')}.partial"
    for name in (half, f".other.db.prepared-{'0' * 12}.partial", ".app.db.prepared-mine.partial"):
        (world.live.parent / name).write_bytes(b"")
    before = world.files()
    assert world.database.half_made() == [half]
    world.database.discard(half)
    assert world.files() == before - {half}
    assert staged in world.files()


def test_a_copy_says_what_it_holds_and_what_must_be_as_it_was(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    sqlite.execute(live, "PRAGMA user_version = 7", "PRAGMA application_id = 42")
    live.chmod(0o640)
    part = sqlite.database(live).capture(tmp_path / "point", sqlite.quiet)
    assert (part.kind, part.tables) == ("sqlite", {"author": 100, "book": 100})
    assert part.files[COPY].size == (tmp_path / "point" / COPY).stat().st_size
    assert part.properties == {
        "page_size": 4096,
        "encoding": "UTF-8",
        "user_version": 7,
        "application_id": 42,
        "journal_mode": "wal",
        "mode": 0o640,
        "uid": os.geteuid(),
        "gid": os.getegid(),
    }


def test_the_users_query_names_the_schema(tmp_path: Path) -> None:
    live = sqlite.make(tmp_path / "app.db")
    assert sqlite.database(live, schema_version="SELECT 'v' || count(*) FROM author").schema() == "v100"
    with pytest.raises(RollbackError, match="gave no value"):
        sqlite.database(live, schema_version="SELECT max(id) FROM author WHERE id < 0").schema()


def test_a_schema_hash_follows_definitions_and_not_rows(tmp_path: Path) -> None:
    database = sqlite.database(sqlite.make(tmp_path / "app.db"))
    before = database.schema()
    sqlite.execute(database.live, "DELETE FROM book", "ANALYZE")
    assert database.schema() == before
    sqlite.execute(database.live, "PRAGMA user_version = 2")
    assert database.schema() != before


def test_a_copy_goes_back_with_owner_and_mode_and_the_old_file_is_kept(world: World) -> None:
    before = world.live.stat()
    world.swap(world.stage())
    after = world.live.stat()
    assert sqlite.rows(world.live) == 100
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    (old,) = world.database.displaced()
    assert (old.name, old.run) == (f"app.db.displaced-{RUN}", RUN)
    assert sqlite.rows(world.live.with_name(old.name)) == 110
    assert sqlite.rows(world.live, "PRAGMA journal_mode") == world.part.properties["journal_mode"]
    assert world.files() == {"app.db", old.name}


@AS_ROOT
def test_files_stay_the_applications_own(tmp_path: Path) -> None:
    """Opening the database makes a log and an index; a killed copy would leave them to a user that cannot open them."""
    folder = tmp_path / "data"
    folder.mkdir()
    world = World(folder)
    for path in (folder, world.live):
        os.chown(path, 1234, 1234)
    seen: set[tuple[int, int]] = set()

    def look(_done: int, _total: int, _unit: str) -> None:
        for path in folder.glob("app.db*"):
            seen.add((path.stat().st_uid, path.stat().st_gid))

    world.copy = folder / "second"
    world.part = world.database.capture(world.copy, look)
    assert seen == {(1234, 1234)}
    assert world.files() == {"app.db"}
    world.swap(world.stage())
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.glob("app.db*")} == {(1234, 1234)}


def test_a_staged_file_is_returned_at_once_the_second_time(world: World) -> None:
    staged = world.stage()
    shutil.rmtree(world.copy)
    assert world.stage() == staged
    world.database.discard(staged)
    world.database.discard(staged)
    assert world.files() == {"app.db"}


def test_a_staging_that_was_killed_is_made_again(world: World) -> None:
    staged = world.stage()
    world.live.with_name(staged).rename(world.live.with_name(f"{staged}.partial"))
    assert world.stage() == staged
    assert world.files() == {"app.db", staged}


def _truncate(copy: Path) -> None:
    os.truncate(copy, 8192)


def _flip(copy: Path) -> None:
    data = bytearray(copy.read_bytes())
    data[-100] ^= 1
    copy.write_bytes(data)


@pytest.mark.parametrize("spoil", [_truncate, _flip, Path.unlink])
def test_a_copy_that_is_not_what_was_captured_is_refused(world: World, spoil: Callable[[Path], Any]) -> None:
    spoil(world.copy / COPY)
    with pytest.raises((RollbackError), match=r"is damaged|cannot restore"):
        world.stage()
    assert world.files() == {"app.db"}


def _as_captured(world: World, **changes: Any) -> None:
    """Let the part agree with a copy that was changed, so that only the checks of the database itself are left."""
    copy = world.copy / COPY
    file = {COPY: type(world.part.files[COPY])(sha256=_sqlite._files.digest(copy), size=copy.stat().st_size)}
    values = {**vars(world.part), "files": file, **changes}
    world.part = DatabasePart(**values)


def test_a_damaged_page_in_a_copy_is_refused(world: World) -> None:
    sqlite.damage(world.copy / COPY)
    _as_captured(world)
    with pytest.raises(RollbackError, match="is damaged"):
        world.stage()


def test_rows_that_are_not_there_are_missed(world: World) -> None:
    _as_captured(world, tables={"author": 101, "book": 100})
    with pytest.raises(RollbackError, match="is not what the restore point says"):
        world.stage()


def test_a_foreign_key_that_leads_nowhere_is_refused(tmp_path: Path, world: World) -> None:
    sqlite.execute(world.live, "INSERT INTO book (title, author) VALUES ('orphan', 999)")
    with pytest.raises(RollbackError, match="row 101 of book refers to nothing in author"):
        world.database.capture(tmp_path / "second", sqlite.quiet)


def test_a_damaged_live_database_is_not_captured(tmp_path: Path, world: World) -> None:
    sqlite.damage(world.live)
    with pytest.raises(RollbackError, match="is damaged"):
        world.database.capture(tmp_path / "second", sqlite.quiet)


def test_a_missing_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="there is no SQLite database"):
        sqlite.database(tmp_path / "none.db").capture(tmp_path / "point", sqlite.quiet)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(("number", "message"), [(28, "no room for"), (30, "cannot restore a database beside")])
def test_what_the_folder_refuses_is_said_and_nothing_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(RollbackError, match=message):
        world.stage()
    assert world.files() == {"app.db"}


@AS_ROOT
@pytest.mark.parametrize(("options", "message"), [("size=128k", "no room for"), ("ro", "Read-only file system")])
def test_a_file_system_that_is_full_or_read_only(tmp_path: Path, options: str, message: str) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        world = World(folder)
        shutil.move(world.copy, tmp_path / "point")
        world.copy = tmp_path / "point"
        with (folder / "filler").open("wb") as filler:
            filler.write(b"x" * 105000)
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True)
        with pytest.raises(RollbackError, match=message):
            world.stage()
        assert world.files() == {"app.db", "filler"}
    finally:
        subprocess.run(["umount", folder], check=True)


def test_who_has_the_file_open_is_named_before_anything_moves(world: World) -> None:
    staged = world.stage()
    inode = world.live.stat().st_ino
    with (
        sqlite.writing(world.live, 0.05),
        pytest.raises(RollbackError, match=r"open in process \d+ \(python") as caught,
    ):
        world.swap(staged)
    assert "nothing was moved" in caught.value.hint
    assert world.live.stat().st_ino == inode
    assert not world.database.displaced()
    world.database.keep_out()
    world.database.let_in()


def test_the_way_back_from_a_swap_is_a_swap(world: World) -> None:
    world.swap(world.stage())
    (first,) = world.database.displaced()
    world.swap(first.name, "20261121T040000Z-fedcba")
    assert sqlite.rows(world.live) == 110
    (second,) = world.database.displaced()
    assert sqlite.rows(world.live.with_name(second.name)) == 100


def test_a_run_does_not_exchange_twice(world: World) -> None:
    world.swap(world.stage())
    sqlite.execute(world.live, "INSERT INTO author (name) VALUES ('after')")
    world.swap(world.stage())
    assert sqlite.rows(world.live) == 101


def test_a_staged_file_that_is_gone_stops_the_swap(world: World) -> None:
    with pytest.raises(RollbackError, match="is not there"):
        world.swap(".app.db.prepared-000000000000")
    assert sqlite.rows(world.live) == 110


def test_loss_is_told_by_the_staged_file(world: World) -> None:
    (loss,) = world.database.loss(world.stage())
    assert (loss.table, loss.added, loss.removed, loss.changed) == ("author", 10, 0, 0)


_KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = {path!r}
from ansible_collections.tiered.rollback.plugins.module_utils import _sqlite
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Swap
from ansible_collections.tiered.rollback.tests.support import sqlite
left = int(sys.argv[3])
def dying(call):
    def wrapped(*arguments, **named):
        global left
        if left == 0:
            os.kill(os.getpid(), 9)
        left -= 1
        return call(*arguments, **named)
    return wrapped
for owner, name in ((os, "link"), (os, "fsync"), (os, "rename"), (os, "unlink"), (Path, "rename"), (Path, "unlink")):
    setattr(owner, name, dying(getattr(owner, name)))
_sqlite.swap([Swap(database=sqlite.database(Path(sys.argv[1])), staged=sys.argv[2], run="{run}")])
"""


@pytest.mark.parametrize("moment", range(12))
@pytest.mark.parametrize("left_behind", ["wal", "delete", "damaged"])
def test_a_swap_killed_at_any_moment_leaves_one_whole_file_and_converges(
    tmp_path: Path, moment: int, left_behind: str
) -> None:
    world = World(tmp_path, "delete" if left_behind == "delete" else "wal")
    staged = world.stage()
    sqlite.crash(world.live, "delete" if left_behind == "delete" else "wal")
    old = {"wal": 111, "delete": 110, "damaged": 0}[left_behind]
    if left_behind == "damaged":
        sqlite.damage(world.live, page=0)
        log = world.live.with_name("app.db-wal").read_bytes()

    script = _KILLED.format(path=sys.path, run=RUN)
    killed = subprocess.run([sys.executable, "-c", script, world.live, staged, str(moment)], check=False)
    assert killed.returncode in (-9, 0)

    displaced = world.live.with_name(f"app.db.displaced-{RUN}")
    if left_behind != "damaged":
        # Looking at the file as the application would settles its log, so a copy of all is looked at.
        seen = tmp_path / "seen"
        seen.mkdir()
        for path in tmp_path.glob("app.db*"):
            shutil.copy(path, seen)
        assert sqlite.rows(seen / "app.db") in (old, 100)
    world.swap(staged)
    assert sqlite.rows(world.live) == 100
    assert sqlite.rows(world.live, "PRAGMA integrity_check") == "ok"
    if left_behind == "damaged":
        assert world.live.with_name(f"{displaced.name}-wal").read_bytes() == log
    else:
        assert sqlite.rows(displaced) == old
        assert world.files() == {"app.db", displaced.name}
