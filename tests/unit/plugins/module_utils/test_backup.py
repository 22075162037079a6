# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _backup, _files
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

PATHS = ["compose.yml", "conf/app.ini"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with configuration."""
    directory = tmp_path / "project"
    (directory / "conf").mkdir(parents=True)
    (directory / "compose.yml").write_bytes(b"services: {}\n")
    (directory / "conf" / "app.ini").write_bytes(b"[app]\n")
    (directory / "conf" / "app.ini").chmod(0o640)
    return directory


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backups"


def _make(backups: Path, root: Path) -> str:
    return _backup.create(backups, root, _backup.read_current(root, PATHS))


def test_a_backup_brings_back_contents_and_mode(backups: Path, root: Path) -> None:
    name = _make(backups, root)
    (root / "compose.yml").write_bytes(b"broken")
    (root / "conf" / "app.ini").unlink()
    (root / "conf").rmdir()
    chosen, contents = _backup.load(backups, _backup.NEWEST)
    _backup.restore(backups, chosen, root, contents)
    assert chosen == name
    assert _backup.read_current(root, PATHS) == {"compose.yml": b"services: {}\n", "conf/app.ini": b"[app]\n"}
    assert (root / "conf" / "app.ini").stat().st_mode & 0o777 == 0o640


def test_sha256sum_itself_can_check_a_backup(backups: Path, root: Path) -> None:
    name = _make(backups, root)
    command = ["sha256sum", "--check", "--strict", _backup.SUMS]
    assert subprocess.run(command, cwd=backups / name, check=False, capture_output=True).returncode == 0
    (backups / name / "compose.yml").write_bytes(b"x")
    assert subprocess.run(command, cwd=backups / name, check=False, capture_output=True).returncode == 1


def test_a_changed_byte_anywhere_in_a_backup_is_refused(backups: Path, root: Path) -> None:
    name = _make(backups, root)
    before = _backup.load(backups, name)
    for path in [path for path in (backups / name).rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        for place in range(len(whole)):
            for mask in (0x01, 0x10, 0x80):
                torn = bytearray(whole)
                torn[place] ^= mask
                path.write_bytes(bytes(torn))
                try:
                    # sha256sum's own format has two marks before a name; either says the same.
                    assert _backup.load(backups, name) == before
                    assert path.name == _backup.SUMS
                except RollbackError as error:
                    assert "damaged" in error.message or "may not leave" in error.message  # noqa: PT017
        path.write_bytes(whole)


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "conf/../../outside"])
def test_a_path_that_leaves_the_directory_is_refused(root: Path, path: str) -> None:
    (root.parent / "outside").write_bytes(b"x")
    with pytest.raises(RollbackError, match="may not leave"):
        _backup.read_current(root, [path])


def test_a_forged_sum_file_does_not_lead_out_of_the_backup(backups: Path, root: Path) -> None:
    name = _make(backups, root)
    (backups / "secret").write_bytes(b"x")
    (backups / name / _backup.SUMS).write_text(f"{_files.sha256(b'x')}  ../secret\n")
    with pytest.raises(RollbackError, match="may not leave"):
        _backup.load(backups, name)


def test_a_file_that_does_not_exist_is_named(root: Path) -> None:
    with pytest.raises(RollbackError, match=r"none\.yml does not exist"):
        _backup.read_current(root, ["none.yml"])


@pytest.mark.parametrize("name", ["20200101T000000000000Z", "newest", "../backups", ""])
def test_an_unknown_backup_is_an_error_that_names_those_at_hand(backups: Path, root: Path, name: str) -> None:
    with pytest.raises(RollbackError, match="there is no configuration backup") as caught:
        _backup.load(backups, name)
    assert "Available: none." in caught.value.hint
    if name != _backup.NEWEST:
        made = _make(backups, root)
        with pytest.raises(RollbackError, match="there is no configuration backup") as caught:
            _backup.load(backups, name)
        assert made in caught.value.hint


def test_replaced_files_can_be_chosen_but_are_never_the_newest(backups: Path, root: Path) -> None:
    wanted = _make(backups, root)
    replaced = _backup.create(backups, root, {"compose.yml": b"broken"}, _backup.REPLACED)
    assert _backup.load(backups, _backup.NEWEST)[0] == wanted
    assert _backup.load(backups, replaced) == (replaced, {"compose.yml": b"broken"})


def test_a_full_file_system_leaves_no_backup(
    backups: Path, root: Path, monkeypatch: pytest.MonkeyPatch, tree: Callable[..., Any]
) -> None:
    _make(backups, root)
    before = tree(backups)

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RollbackError, match="no room"):
        _make(backups, root)
    monkeypatch.undo()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises((OSError, RollbackError)):
        _make(backups, root)
    assert tree(backups) == before


def test_an_incomplete_backup_is_not_listed(backups: Path, root: Path) -> None:
    name = _make(backups, root)
    (backups / "20200101T000000000000Z").mkdir()
    (backups / ".partial-20200101T000000000000Z").mkdir()
    assert _backup.names(backups) == [name]
    assert _backup.equal(backups, name, _backup.read_current(root, PATHS))
    assert not _backup.equal(backups, name, {"compose.yml": b"services: {}\n"})
