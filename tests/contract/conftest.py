# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small repository on the fake, and a client that asks as a person would with curl."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub
from ansible_collections.tiered.rollback.tests.support import remote
from ansible_collections.tiered.rollback.tests.support.secrecy import pytest_runtest_makereport, secret_files

__all__ = ["pytest_runtest_makereport", "secret_files"]

TOKEN = "ghs_hunter2"
CI = """\
name: CI
on:
  push:
  workflow_dispatch:
    inputs:
      suite: {type: choice, options: [fast, full], required: true}
      verbose: {type: boolean, default: false}
jobs: {test: {runs-on: ubuntu-latest, steps: [{run: make test}]}}
"""
FILES = {
    ".github/workflows/ci.yml": CI,
    ".github/workflows/lint.yaml": "on: [push]\njobs: {}\n",
    ".github/workflows/ci.yml.backup": "name: Old CI\n",
    "README.md": "Shop\n",
    "src/app.py": "print('hello')\n",
}

#: Method, path below the repository, and what requests takes.
Ask = Callable[..., requests.Response]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """What git itself sees."""
    return remote.make(tmp_path / "shop.git", FILES)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A fake that fails the test when the contract was broken."""
    with FakeGitHub(token=TOKEN) as made:
        yield made


@pytest.fixture
def repo(github: FakeGitHub, bare: Path) -> Any:
    """The repository acme/shop."""
    return github.add_repository("acme/shop", bare=bare, default_branch="main")


@pytest.fixture
def ask(github: FakeGitHub, repo: Any) -> Iterator[Ask]:
    """Ask about acme/shop."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"

        def send(method: str, path: str, **options: Any) -> requests.Response:
            return session.request(method, f"{github.url}/repos/acme/shop{path}", allow_redirects=False, **options)

        yield send
