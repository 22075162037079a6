# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout


def _git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with two tagged versions of ``deploy/compose.yml``; v2 is checked out."""
    top = tmp_path / "repository"
    (top / "deploy").mkdir(parents=True)
    _git(top, "init", "--quiet")
    (top / ".gitignore").write_text(".env\n")
    for version in ("v1", "v2"):
        (top / "deploy" / "compose.yml").write_text(f"# {version}\n")
        _git(top, "add", "-A")
        _git(top, "commit", "--quiet", "-m", version)
        _git(top, "tag", version)
    (top / "deploy" / ".env").write_text("SECRET=1\n")
    return top


@pytest.fixture
def checkout(repository: Path) -> Checkout:
    """The project's directory, below the top of the work tree."""
    return Checkout(str(repository / "deploy"))


def test_the_commit_and_its_tag_are_found(repository: Path, checkout: Checkout) -> None:
    assert (checkout.commit(), checkout.tag()) == (_git(repository, "rev-parse", "HEAD"), "v2")


def test_a_commit_without_a_tag_has_none(repository: Path, checkout: Checkout) -> None:
    _git(repository, "commit", "--quiet", "--allow-empty", "-m", "more")
    assert checkout.tag() is None


def test_a_directory_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert Checkout(str(tmp_path)).commit() is None


def test_only_tracked_files_are_named_as_such(checkout: Checkout) -> None:
    assert checkout.tracked(["compose.yml", ".env", "none"]) == ["compose.yml"]
    assert checkout.tracked([]) == []


def test_a_difference_to_the_commit_is_seen_also_when_it_is_staged(repository: Path, checkout: Checkout) -> None:
    assert not checkout.differs(["compose.yml"])
    assert not checkout.differs([])
    (repository / "deploy" / "compose.yml").write_text("# mine\n")
    assert checkout.differs(["compose.yml"])
    _git(repository, "add", "-A")
    assert checkout.differs(["compose.yml"])


def test_local_changes_are_kept_under_a_name_and_the_files_stay(repository: Path, checkout: Checkout) -> None:
    path = repository / "deploy" / "compose.yml"
    assert checkout.keep_local_changes("run-1") is None
    path.write_text("# mine\n")
    assert checkout.keep_local_changes("run-1") == "refs/tiered-rollback/run-1"
    assert path.read_text() == "# mine\n"
    assert _git(repository, "show", "refs/tiered-rollback/run-1:deploy/compose.yml") == "# mine"
    assert _git(repository, "stash", "list") == ""


def test_after_the_files_went_back_the_index_names_the_versions_commit(repository: Path, checkout: Checkout) -> None:
    first = _git(repository, "rev-parse", "v1")
    (repository / "deploy" / "compose.yml").write_text("# v1\n")
    checkout.stage_version(first, ["compose.yml"])
    assert _git(repository, "diff", "--name-only") == ""
    assert _git(repository, "diff", "--cached", "--name-only", "v1") == ""
    assert _git(repository, "rev-parse", "HEAD") == _git(repository, "rev-parse", "v2")


def test_with_no_path_to_stage_the_branch_stays_where_it_is(repository: Path, checkout: Checkout) -> None:
    """``git reset COMMIT --`` without a path would move the branch."""
    checkout.stage_version(_git(repository, "rev-parse", "v1"), [])
    assert _git(repository, "rev-parse", "HEAD") == _git(repository, "rev-parse", "v2")


def test_a_commit_is_at_hand_or_not(repository: Path, checkout: Checkout) -> None:
    assert checkout.has(_git(repository, "rev-parse", "v1"))
    assert not checkout.has("0" * 40)
    assert not Checkout(str(repository.parent)).has("0" * 40)


def test_a_commit_is_checked_out_beside_without_its_hooks_and_forgotten_again(
    repository: Path, checkout: Checkout, tmp_path: Path
) -> None:
    hook = repository / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    beside = tmp_path / "beside"
    checkout.add_worktree(beside, _git(repository, "rev-parse", "v1"))
    assert (beside / "deploy/compose.yml").read_text() == "# v1\n"
    assert (beside / "deploy/compose.yml").stat().st_mode & 0o777 == 0o644
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(beside)
    checkout.forget_worktrees()
    assert _git(repository, "worktree", "list").count("\n") == 0


def test_the_top_and_the_place_below_it_are_found(repository: Path, checkout: Checkout) -> None:
    top = PurePosixPath(repository.resolve())
    assert checkout.place() == (top, PurePosixPath("deploy"))
    assert Checkout(str(repository)).place() == (top, PurePosixPath())


def test_how_a_clone_gets_to_its_origin_is_read_from_its_own_settings(repository: Path, checkout: Checkout) -> None:
    _git(repository, "remote", "add", "origin", "https://git.example/shop.git")
    _git(repository, "config", "http.https://git.example/.extraHeader", "Authorization: basic x")
    _git(repository, "config", "core.sshCommand", "ssh -i key")
    _git(repository, "config", "core.hooksPath", "hooks")
    assert sorted(checkout.access()) == [
        ("core.sshcommand", "ssh -i key"),
        ("http.https://git.example/.extraheader", "Authorization: basic x"),
        ("remote.origin.url", "https://git.example/shop.git"),
    ]


def test_a_directory_that_is_no_clone_has_no_access(tmp_path: Path, checkout: Checkout) -> None:
    assert Checkout(str(tmp_path)).access() == checkout.access() == []


def test_a_clone_lends_its_objects_unless_it_is_shallow(repository: Path, checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.objects() == repository / ".git/objects"
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(shallow))
    assert Checkout(str(shallow)).objects() is None


def test_a_tag_names_a_commit_and_a_branch_of_that_name_does_not(repository: Path, checkout: Checkout) -> None:
    assert checkout.tagged("v1") == _git(repository, "rev-parse", "v1")
    _git(repository, "branch", "v3")
    assert checkout.tagged("v3") is None


def test_a_file_of_a_commit_is_read_byte_for_byte(repository: Path, checkout: Checkout) -> None:
    data = b"a\r\nb\xff\n"
    (repository / "deploy/binary").write_bytes(data)
    _git(repository, "add", "-A")
    _git(repository, "commit", "--quiet", "-m", "binary")
    assert checkout.content("HEAD", "binary") == data
    assert checkout.content("v1", "compose.yml") == b"# v1\n"
    assert checkout.content("v1", "binary") is None
    assert checkout.changed_to("v1") == ["binary", "compose.yml"]


def test_a_revision_says_whether_anything_differs_from_it(repository: Path, checkout: Checkout, tmp_path: Path) -> None:
    head = _git(repository, "rev-parse", "HEAD")
    assert checkout.revision() == head
    (repository / "deploy/compose.yml").write_text("# changed\n")
    assert checkout.revision() == f"{head}-dirty"
    assert Checkout(str(tmp_path)).revision() is None
