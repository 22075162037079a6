# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import config_backup


@pytest.fixture
def act(deployment: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Back up the project's configuration."""

    def call(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {"root": str(deployment.src), "paths": ["compose.yml", ".env"], "backups": str(tmp_path / "b")}
        return config_backup.act(deployment.context(check_mode=check_mode, **{**params, **changes}))

    return call


def test_files_are_kept_once_and_again_when_they_changed(
    act: Callable[..., dict[str, Any]], deployment: Any, tmp_path: Path
) -> None:
    first, second = act(), act()
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["backup"] == first["backup"]
    assert set(first["files"]) == {"compose.yml", ".env"}
    (deployment.src / ".env").write_text("VERSION=v2\n")
    third = act()
    assert third["changed"]
    assert {entry.name for entry in (tmp_path / "b").iterdir()} == {first["backup"], third["backup"]}


def test_check_mode_gives_the_same_answer_and_writes_nothing(
    act: Callable[..., dict[str, Any]], tmp_path: Path, tree: Callable[..., Any]
) -> None:
    before = tree(tmp_path)
    foretold = act(check_mode=True)
    assert tree(tmp_path) == before
    real = act()
    assert {**foretold, "backup": None} == {**real, "backup": None}
    assert act(check_mode=True) == act()


def test_the_diff_shows_sums_and_never_contents(act: Callable[..., dict[str, Any]], deployment: Any) -> None:
    (deployment.src / ".env").write_text("PASSWORD=hunter2\n")
    result = act()
    assert "hunter2" not in repr(result)
    assert result["diff"]["after"].count("sha256") == 2


def test_a_missing_file_is_an_error_and_nothing_is_copied(act: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match=r"gone\.ini does not exist"):
        act(paths=["compose.yml", "gone.ini"])
    assert not (tmp_path / "b").exists()


def test_of_a_stack_its_configuration_is_kept_where_a_rollback_finds_it(deployment: Any) -> None:
    params = {"root": None, "backups": None, "paths": None}
    first = config_backup.act(deployment.context(**params))
    assert set(first["files"]) == {"compose.yml", ".env"}
    assert (deployment.state / "config" / first["backup"] / "SHA256SUMS").is_file()
    (deployment.src / ".env").unlink()
    assert set(config_backup.act(deployment.context(**params))["files"]) == {"compose.yml"}
    deployment.raw["config"] = ["compose.yml", "gone.ini"]
    with pytest.raises(RollbackError, match=r"gone\.ini does not exist"):
        config_backup.act(deployment.context(**params))


@pytest.mark.parametrize("path", ["../passwd", "/etc/passwd", "a/../../b"])
def test_of_a_stack_too_no_path_leaves_the_project(deployment: Any, path: str) -> None:
    with pytest.raises(RollbackError, match="may not leave its directory"):
        config_backup.act(deployment.context(root=None, backups=None, paths=[path]))
