# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a stack names its version: a variable (here) and a git checkout; moving a tag is test_tier1."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.tests.support.stack import Stack


def deploy_by_variable(stack: Stack, version: str, env: str) -> None:
    stack.compose({"api": stack.published("api:${API_VERSION}", environment={"OTHER": "${OTHER}"})})
    stack.write(".env", env.format(version=version))
    stack.tag(f"api:{version}", version)
    stack.up()


def test_the_variable_goes_back_with_the_whole_environment_file_where_that_is_configuration(make_stack: Any) -> None:
    stack: Stack = make_stack()
    deploy_by_variable(stack, "v0.9.0", "OTHER=old\nAPI_VERSION={version}\n")
    stack.capture("v0.9.0")
    before = stack.files()
    deploy_by_variable(stack, "v1.0.0", "# new\nOTHER=new\nAPI_VERSION={version}\n")

    stack.rollback("v0.9.0").ok()

    assert stack.files() == before
    assert stack.image_ids() == {"api": stack.images.get("v0.9.0")}
    assert stack.ask().document["other"] == "old"
    assert stack.report()[0]["plan"]["source"] == "variable"


def test_only_the_variable_is_set_where_the_environment_file_is_no_configuration(make_stack: Any) -> None:
    stack: Stack = make_stack()
    stack.description["config"] = ["compose.yml"]
    lines = "# kept by somebody else\nOTHER={other}\nAPI_VERSION={version}\nLAST='of \"all\"'\n"
    deploy_by_variable(stack, "v0.9.0", lines.replace("{other}", "old"))
    stack.capture("v0.9.0")
    deploy_by_variable(stack, "v1.0.0", lines.replace("{other}", "new"))

    stack.rollback("v0.9.0").ok()

    assert (stack.src / ".env").read_text() == lines.format(other="new", version="v0.9.0")
    assert stack.image_ids() == {"api": stack.images.get("v0.9.0")}
    assert stack.ask().document["other"] == "new"

    again = stack.rollback("v0.9.0").ok()
    assert again.recap["changed"] == 0, again.output

    stack.undo().ok()
    assert (stack.src / ".env").read_text() == lines.format(other="new", version="v1.0.0")
    assert stack.image_ids() == {"api": stack.images.get("v1.0.0")}


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def release(work: Path, stack: Stack, version: str) -> None:
    """Commit and tag a version upstream; its Compose file names the image itself."""
    source = stack.src
    stack.src = work
    stack.compose({"api": stack.published(f"api:{version}", environment={"GREETING": f"from {version}"})})
    stack.src = source
    git(work, "add", "compose.yml")
    git(work, "commit", "-q", "-m", version)
    git(work, "tag", version)
    git(work, "push", "-q", "origin", "main", version)


def check_out(stack: Stack, version: str) -> None:
    git(stack.src, "fetch", "-q", "--tags")
    git(stack.src, "checkout", "-q", version)
    stack.write("data/trouble", "")
    stack.tag(f"api:{version}", version)
    stack.up()


def test_a_git_checkout_goes_back_keeps_local_changes_and_needs_no_remote(make_stack: Any, tmp_path: Path) -> None:
    stack: Stack = make_stack()
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(tmp_path, "clone", "-q", str(remote), str(work))
    release(work, stack, "v0.9.0")
    git(tmp_path, "clone", "-q", str(remote), str(stack.src))
    (stack.src / ".git/info/exclude").write_text("data\n")
    check_out(stack, "v0.9.0")
    point = stack.capture("v0.9.0")
    commit = git(stack.src, "rev-parse", "v0.9.0")
    assert stack.manifest(point)["git"] == {"commit": commit, "tag": "v0.9.0", "clean": True}

    release(work, stack, "v1.0.0")
    check_out(stack, "v1.0.0")
    edited = (stack.src / "compose.yml").read_text() + "# changed on the host\n"
    stack.write("compose.yml", edited)
    remote.rename(tmp_path / "gone")

    stack.rollback("v0.9.0").ok()

    report = stack.report()[0]
    assert report["plan"]["source"] == "git"
    assert git(stack.src, "diff", "v0.9.0", "--", "compose.yml") == ""
    assert stack.image_ids() == {"api": stack.images.get("v0.9.0")}
    assert stack.ask().document["greeting"] == "from v0.9.0"
    assert git(stack.src, "show", f"refs/tiered-rollback/{report['run']}:compose.yml") == edited.strip()
    kept = stack.restore_points / report["before"] / "files/compose.yml"
    assert kept.read_text() == edited

    stack.undo().ok()
    assert (stack.src / "compose.yml").read_text() == edited
    assert stack.image_ids() == {"api": stack.images.get("v1.0.0")}
