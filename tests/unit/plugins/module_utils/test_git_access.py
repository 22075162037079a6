# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _command, _git_remote
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support.git_http import TOKEN, Author, GitServer

BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def opened(repository: object, token: str | None = None, masked: set[str] | None = None) -> Any:
    """The settings are right if git gets in with them."""
    return _git_remote.opened(str(repository), token, "Olga <olga@example.org>", set() if masked is None else masked)


def test_a_token_is_on_no_command_line_and_in_no_file(
    git_server: GitServer, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    run = _command.run
    monkeypatch.setattr(_command, "run", lambda argv, **options: (lines.extend(argv), run(argv, **options))[1])
    masked: set[str] = set()
    with opened(git_server.url(), TOKEN, masked) as found:
        found.begin("main", None)
        found.push(found.resolve("HEAD"), "other", None)
        files = [path.read_bytes() for path in Path(found.directory).rglob("*") if path.is_file()]
    assert masked == {BASIC, f"Authorization: Basic {BASIC}"}
    assert lines
    for secret in (TOKEN, BASIC):
        assert secret not in " ".join(lines)
        assert not [data for data in files if secret.encode() in data]


@pytest.mark.parametrize("token", [None, "wrong-wrong"])
def test_a_wrong_token_or_none_is_told_with_a_hint_and_without_it(
    git_server: GitServer, author: Author, token: str | None
) -> None:
    with pytest.raises(RollbackError) as caught, opened(git_server.url(), token):
        pass
    assert "Give a token" in caught.value.hint
    assert "wrong-wrong" not in str(caught.value)


def test_a_token_that_is_refused_is_replaced_by_no_other_login(
    git_server: GitServer, author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "login"
    login.write_text(f"#!/bin/sh\necho username=x; echo password={TOKEN}\n")
    login.chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[credential]\n helper = {login}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with opened(git_server.url()) as found:
        assert found.begin(None, None)[0] == "main"
    with pytest.raises(RollbackError, match="could not read Username"), opened(git_server.url(), "wrong-wrong"):
        pass


def test_a_clone_leads_to_its_origin_by_the_login_in_its_url_which_no_command_line_has(
    git_server: GitServer, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    author.git("remote", "set-url", "origin", git_server.url(login=f"some%40body:{TOKEN}"))
    # What git starts is seen in its trace.
    monkeypatch.setenv("GIT_TRACE", str(author.directory.parent / "trace"))
    masked: set[str] = set()
    with opened(author.directory, None, masked) as found:
        assert found.begin(None, None)[1] == author.git("rev-parse", "main")
        borrowed = (Path(found.directory) / ".git/objects/info/alternates").read_text()
    assert borrowed == f"{author.directory}/.git/objects\n"
    assert base64.b64encode(f"some@body:{TOKEN}".encode()).decode() in masked
    trace = (author.directory.parent / "trace").read_text()
    assert "remote-http" in trace
    assert TOKEN not in trace


def test_passwords_in_the_names_of_settings_are_masked(git_server: GitServer, author: Author) -> None:
    author.git("remote", "set-url", "origin", "https://git.example/shop.git")
    author.git("config", f"url.{git_server.url('', f'x:{TOKEN}')}.insteadOf", "https://git.example/")
    masked: set[str] = set()
    with opened(author.directory, None, masked) as found:
        assert found.begin(None, None)[0] == "main"
    assert masked == {TOKEN}


@pytest.mark.parametrize("own", [True, False], ids=["the clone's", "the user's"])
def test_a_token_counts_instead_of_a_header_that_is_set(
    git_server: GitServer, author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    author.git("remote", "set-url", "origin", git_server.url())
    header = (f"http.{git_server.url('')}.extraHeader", "Authorization: Basic d3Jvbmc6d3Jvbmc=")
    author.git("config", "--local" if own else "--global", *header)
    with opened(author.directory, TOKEN) as found:
        assert found.begin(None, None)[0] == "main"


def test_a_clone_may_name_its_origin_by_a_path_that_begins_at_the_clone(git_server: GitServer, author: Author) -> None:
    author.git("remote", "set-url", "origin", "../served/shop.git")
    with opened(author.directory) as found:
        assert found.begin(None, None)[0] == "main"


def test_a_shallow_clone_will_do(git_server: GitServer, author: Author, tmp_path: Path) -> None:
    author.git("clone", "--quiet", "--depth=1", git_server.url(login=f"x:{TOKEN}"), str(tmp_path / "shallow"))
    with opened(tmp_path / "shallow") as found:
        found.begin(None, None)
        assert found.resolve("HEAD~2") == author.git("rev-parse", "main~2")


@pytest.mark.parametrize(
    ("repository", "message"),
    [
        (lambda path: path, "is no clone with a remote called origin"),
        (lambda path: path / "none", "is no clone with a remote called origin"),
        (lambda path: "https://olga:secret@git.example/shop.git", "holds a user or password"),
        (lambda path: "ext::sh -c touch% x", "transport 'ext' not allowed"),
    ],
    ids=["no clone", "no directory", "password", "a command"],
)
def test_a_repository_that_is_none_is_refused(tmp_path: Path, repository: Callable[..., object], message: str) -> None:
    with pytest.raises(RollbackError, match=message) as caught, opened(repository(tmp_path)):
        pass
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_token_is_not_for_a_remote_by_path_or_ssh(tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="a token is for a remote at an HTTP URL"), opened("git@x:shop.git", TOKEN):
        pass
