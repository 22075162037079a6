# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks on the real engine; each test removes what it made, and the session proves that nothing is left."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_tools
from ansible_collections.tiered.rollback.tests.support import engine, github, leaks, owned
from ansible_collections.tiered.rollback.tests.support.desk import Desk, opened
from ansible_collections.tiered.rollback.tests.support.git_http import author, begun, git_server
from ansible_collections.tiered.rollback.tests.support.images import Images
from ansible_collections.tiered.rollback.tests.support.postgres import PostgresServer, World
from ansible_collections.tiered.rollback.tests.support.registry import Registry, install
from ansible_collections.tiered.rollback.tests.support.secrecy import pytest_runtest_makereport, secret_files
from ansible_collections.tiered.rollback.tests.support.stack import Stack

__all__ = ["author", "begun", "git_server", "pytest_runtest_makereport", "secret_files"]

MakeStack = Callable[..., Stack]
#: Files that take a minute or more. They begin first, so that at the end no worker is left alone with one of them.
LONG = (
    "test_awx",
    "test_swarm",
    "test_drill",
    "test_drill_postgres",
    "test_fleet",
    "test_events",
    "test_deploy",
    "test_tutorial",
    "test_install",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first; the order within a file stays."""
    items.sort(key=lambda item: item.path.stem not in LONG)


def pytest_configure() -> None:
    """Let a run that is stopped remove what it made."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("stopped by SIGTERM", 143))


@pytest.fixture(scope="session", autouse=True)
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See at the end that no secret of the tests was on a command line, and that all state is its owner's alone."""
    with leaks.Processes() as processes:
        yield
    assert not processes.found
    states = leaks.state_directories(tmp_path_factory.getbasetemp())
    assert not [path for state in states for path in owned.open_to_others(state)]


@pytest.fixture(scope="session")
def images() -> Iterator[Images]:
    """The application's images of this session."""
    made = Images(secrets.token_hex(4))
    yield made
    made.remove()
    assert not engine.tags(made.prefix)


@pytest.fixture(scope="module")
def stacks() -> Iterator[list[Stack]]:
    """The stacks that there are; all are removed when the module's tests are over."""
    made: list[Stack] = []
    yield made
    _remove(made)


@pytest.fixture(scope="module")
def make_stack(stacks: list[Stack], images: Images, tmp_path_factory: pytest.TempPathFactory) -> MakeStack:
    """Make stacks."""

    def make(**options: str) -> Stack:
        stacks.append(Stack(tmp_path_factory.mktemp("stack"), images, **options))
        return stacks[-1]

    return make


@pytest.fixture(autouse=True)
def spent(stacks: list[Stack]) -> Iterator[None]:
    """Remove the stacks that a test has made for itself: the engine would go on asking for their health."""
    kept = len(stacks)
    yield
    _remove(stacks[kept:])
    del stacks[kept:]


def _remove(stacks: Sequence[Stack]) -> None:
    for stack in stacks:
        stack.down()
    left = [name for stack in stacks for name in [*engine.leftovers(stack.project), *stack.tags()]]
    assert not left


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; no client of ours is left when the module's tests are over."""
    made = PostgresServer(secrets.token_hex(4))
    try:
        made.start()
        yield made
    finally:
        made.stop()
    assert not engine.docker("ps", "-aq", "--filter", f"label={_pg_tools.LABEL}")


@pytest.fixture
def world(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[World]:
    """A database that holds one of everything."""
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    made = World(postgres_server, postgres_server.make(), copy)
    yield made
    postgres_server.drop(made.name)


@pytest.fixture(params=["host", "container"])
def tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whose pg_dump and pg_restore are used."""
    if request.param == "container":
        monkeypatch.setattr(_pg_tools, "host_tools", dict)
    elif 15 not in _pg_tools.host_tools():
        pytest.skip("the host has no client tools of release 15")
    return str(request.param)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that runs."""
    if not install():
        pytest.skip("docker-registry is not installed, and only root on Debian can change that")
    made = Registry(tmp_path_factory.mktemp("registry"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories to copy: a project's two versions."""
    return github.release(tmp_path_factory.mktemp("released"))


@pytest.fixture
def desk(tmp_path: Path, released: Path) -> Iterator[Desk]:
    """Where the CI playbooks are run for a project whose CI is broken."""
    with opened(tmp_path, released) as made:
        for _number in range(3):
            made.project.repository.add_run(workflow="ci.yml", conclusion="failure")
        yield made
