# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import config_backup, config_restore
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule

GOOD, BROKEN = "VERSION=v0.9.0\n", "VERSION=broken\n"


@pytest.fixture
def act(deployment: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Restore configuration of which one backup was made, and which was broken since."""
    common = {"root": str(deployment.src), "backups": str(tmp_path / "b")}
    config_backup.act(deployment.context(paths=["compose.yml", ".env"], **common))
    (deployment.src / ".env").write_text(BROKEN)

    def call(*, check_mode: bool = False, backup: str = "newest") -> dict[str, Any]:
        return config_restore.act(FakeModule({"backup": backup, **common}, check_mode))

    return call


def test_files_that_differ_go_back_and_the_replaced_ones_are_kept(
    act: Callable[..., dict[str, Any]], deployment: Any, tmp_path: Path
) -> None:
    result = act()
    assert (result["changed"], result["files"]) == (True, [".env"])
    assert (deployment.src / ".env").read_text() == GOOD
    assert (tmp_path / "b" / result["kept"] / ".env").read_text() == BROKEN


def test_a_second_time_changes_nothing(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    """Endless upgrade and rollback by turns (fluxcd/helm-operator#236)."""
    first = act()
    second = act()
    assert (second["changed"], second["kept"], second["backup"]) == (False, None, first["backup"])
    assert (deployment.src / ".env").read_text() == GOOD


def test_the_replaced_files_can_be_put_back_by_name(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    act(backup=act()["kept"])
    assert (deployment.src / ".env").read_text() == BROKEN


def test_a_file_that_is_gone_is_made_again(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    (deployment.src / ".env").unlink()
    assert act()["files"] == [".env"]
    assert (deployment.src / ".env").read_text() == GOOD


def test_check_mode_gives_the_same_answer_and_writes_nothing(
    act: Callable[..., dict[str, Any]], tmp_path: Path, tree: Callable[..., Any]
) -> None:
    before = tree(tmp_path)
    foretold = act(check_mode=True)
    assert tree(tmp_path) == before
    assert {**foretold, "kept": None} == {**act(), "kept": None}


def test_a_damaged_backup_replaces_nothing(
    act: Callable[..., dict[str, Any]], deployment: Any, tmp_path: Path, tree: Callable[..., Any]
) -> None:
    (backup,) = (tmp_path / "b").iterdir()
    (backup / "compose.yml").write_text("changed")
    before = tree(tmp_path)
    with pytest.raises(RollbackError, match=r"damaged: compose\.yml"):
        act()
    assert tree(tmp_path) == before


def test_an_unknown_backup_names_those_at_hand(act: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(RollbackError, match="no configuration backup"):
        act(backup="20200101T000000000000Z")


def test_the_diff_never_shows_contents(act: Callable[..., dict[str, Any]]) -> None:
    diff = act()["diff"]
    assert "VERSION" not in repr(diff)
    assert diff["before"] != diff["after"]
