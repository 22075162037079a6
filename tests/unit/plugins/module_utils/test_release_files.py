# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _release_files
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._git import Checkout


@pytest.mark.parametrize(
    ("variables", "running", "wanted"),
    [
        ({"VERSION": "v1.0.0", "REGISTRY": "r"}, "v1.0.0", {"VERSION": "v1.1.0"}),
        ({"VERSION": "1.0.0"}, "v1.0.0", {"VERSION": "1.1.0"}),
        ({"A": "v1.0.0", "B": "1.0.0"}, "v1.0.0", {"A": "v1.1.0", "B": "1.1.0"}),
        ({"TAG": "stable"}, "v1.0.0", {"TAG": "v1.1.0"}),
        ({"TAG": "0.9"}, "unknown", {"TAG": "1.1.0"}),
    ],
)
def test_the_variable_that_holds_the_version_gets_the_new_one_in_its_form(
    variables: dict[str, str], running: str, wanted: dict[str, str]
) -> None:
    assert _release_files.assigned(variables, running, "v1.1.0", needed=True) == wanted


def test_where_it_cannot_be_told_which_one_it_is_nothing_is_guessed() -> None:
    with pytest.raises(RollbackError, match=r"none of the variables \(A, B\) holds the version that runs \(v1.0.0\)"):
        _release_files.assigned({"A": "x", "B": "y"}, "v1.0.0", "v1.1.0", needed=True)
    assert _release_files.assigned({"A": "x", "B": "y"}, "v1.0.0", "v1.1.0", needed=False) == {}


def _git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout at v1.0.0 that knows v1.1.0."""
    _git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / ".env").write_text("V=v1.0.0\n")
    for version in ("v1.1.0", "v1.0.0"):
        (tmp_path / "compose.yml").write_bytes(f"# {version}\r\n".encode())
        (tmp_path / "proxy.cfg").write_text(version)
        if version == "v1.1.0":
            (tmp_path / "new.env").write_text("N=1\n")
        _git(tmp_path, "add", "-A")
        _git(tmp_path, "commit", "--quiet", "-m", version)
        _git(tmp_path, "tag", version)
        if version == "v1.1.0":
            _git(tmp_path, "rm", "--quiet", "new.env")
    return tmp_path


def _find(project: Path, build: Any, version: str = "v1.1.0", fetch: bool = False, **changes: Any) -> Any:
    variables = changes.pop("variables", {})
    stack = build.stack(project_src=str(project), **changes)
    files = {path: build.file_part() for path in ("compose.yml", ".env", "new.env")}
    now = build.observed(files=files, variables=variables)
    return _release_files.find(stack, now, Checkout(str(project)), version, "v1.0.0", fetch=fetch)


def test_a_tag_has_the_files_byte_for_byte_and_what_git_does_not_track_stays(project: Path, build: Any) -> None:
    found = _find(project, build)
    assert (found.source, found.staged) == ("git", True)
    assert found.contents == {"compose.yml": b"# v1.1.0\r\n", "new.env": b"N=1\n"}
    assert found.commit == _git(project, "rev-parse", "v1.1.0")
    assert (project / "compose.yml").read_bytes() == b"# v1.0.0\r\n"


def test_a_file_that_the_version_no_longer_has_goes(project: Path, build: Any) -> None:
    _git(project, "checkout", "--quiet", "v1.1.0")
    assert _find(project, build, "v1.0.0").contents == {"compose.yml": b"# v1.0.0\r\n", "new.env": None}


def test_beside_the_tag_a_version_variable_is_set(project: Path, build: Any) -> None:
    found = _find(project, build, variables={"V": "v1.0.0"})
    assert (found.contents[".env"], found.variables) == (b"V=v1.1.0\n", {"V": "v1.1.0"})


def test_without_a_tag_it_is_the_variable_and_without_that_the_images_name(project: Path, build: Any) -> None:
    found = _find(project, build, "v1.2.0", variables={"V": "v1.0.0"})
    assert (found.source, found.contents, found.commit) == ("variable", {".env": b"V=v1.2.0\n"}, None)
    assert _find(project, build, "v1.2.0").source == "retag"
    assert _find(project, build, image_source="retag").contents == {}


def test_a_stack_that_is_said_to_come_from_git_needs_the_tag(
    project: Path, build: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(RollbackError, match=r"has no tag v1\.2\.0"):
        _find(project, build, "v1.2.0", fetch=True, image_source="git")
    other = tmp_path_factory.mktemp("plain")
    with pytest.raises(RollbackError, match="is no git checkout"):
        _find(other, build, image_source="git")


def test_a_tag_of_the_remote_is_fetched_where_that_is_allowed(project: Path, build: Any, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "--quiet", str(project), str(clone))
    _git(project, "tag", "v1.2.0", "v1.1.0")
    assert _find(clone, build, "v1.2.0").source == "retag"
    assert _find(clone, build, "v1.2.0", fetch=True).source == "git"


def test_a_mounted_file_that_would_change_and_that_no_point_holds_is_refused(project: Path, build: Any) -> None:
    stack, checkout = build.stack(project_src=str(project)), Checkout(str(project))
    mount = {"type": "bind", "source": str(project / "proxy.cfg")}
    definition: Any = {"services": {"web": {"volumes": [mount]}}}
    now = build.observed(files={"compose.yml": build.file_part()})
    with pytest.raises(RollbackError, match=r"proxy\.cfg would change too") as caught:
        _release_files.refuse_unlisted(stack, now, checkout, "v1.1.0", definition)
    assert "List it under config" in caught.value.hint
    listed = build.observed(files={"proxy.cfg": build.file_part()})
    _release_files.refuse_unlisted(stack, listed, checkout, "v1.1.0", definition)
    _release_files.refuse_unlisted(stack, now, checkout, "v1.1.0", {"services": {"web": {}}})
