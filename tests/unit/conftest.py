# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the unit tests: builders, and a small world of engine, Compose, GitHub and HTTP servers."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _drivers
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.modules import restore_point
from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub
from ansible_collections.tiered.rollback.tests.support import github
from ansible_collections.tiered.rollback.tests.support.builders import Build, Tree, read_tree
from ansible_collections.tiered.rollback.tests.support.ci import Ci
from ansible_collections.tiered.rollback.tests.support.deployment import Deployment, Operator
from ansible_collections.tiered.rollback.tests.support.fake_database import exchange
from ansible_collections.tiered.rollback.tests.support.fake_swarm import SwarmDeployment
from ansible_collections.tiered.rollback.tests.support.git_http import author, begun, git_server
from ansible_collections.tiered.rollback.tests.support.github import Project
from ansible_collections.tiered.rollback.tests.support.secrecy import pytest_runtest_makereport, secret_files
from ansible_collections.tiered.rollback.tests.support.site import Site, SnapshotApi, serving
from hypothesis import settings

__all__ = ["author", "begun", "git_server", "pytest_runtest_makereport", "secret_files"]

# A loaded machine must not fail a test, nor a test leave files in the checkout.
settings.register_profile("unit", deadline=None, database=None)
settings.register_profile("long", settings.get_profile("unit"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks."""
    config.addinivalue_line("markers", "git: works on a git server, as most of what takes long does")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what works on a git server, before the mark is looked for."""
    for item in items:
        if not {"git_server", "ci"}.isdisjoint(item.fixturenames):
            item.add_marker("git")


def pytest_collection_finish() -> None:
    """Let Python not look through all tests and modules for what could be freed: that is a tenth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def quiet_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No unit test waits for the disk, which was a third of their time; who tests durability watches the calls."""
    monkeypatch.setattr(os, "sync", lambda: None)
    monkeypatch.setattr(os, "fsync", lambda _file: None)


@pytest.fixture(scope="session")
def build() -> Build:
    """Builders of every value object."""
    return Build()


@pytest.fixture
def example() -> dict[str, Any]:
    """The record that docs/reports.md shows: a Tier 2 rollback that succeeded."""
    path = Path(__file__).resolve().parents[2] / "docs/reports/example.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def tree() -> Callable[..., Tree]:
    """Read directory trees."""
    return read_tree


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A project that runs v0.9.0, and whose databases are no server's."""
    made = Deployment(tmp_path)
    monkeypatch.setattr(_drivers, "of", lambda _ctx, _project: [(each, exchange) for each in made.databases])
    return made


@pytest.fixture
def captured(deployment: Deployment, build: Build) -> Deployment:
    """A project with both versions captured; v1.0.0 runs."""
    for number, version in enumerate(("v0.9.0", "v1.0.0"), start=1):
        deployment.deploy(version)
        restore_point.act(
            deployment.context(
                run=build.run(number), version=version, pinned=False, prove=True, keep_prepared=False, lock_wait=0
            )
        )
    deployment.world.calls.clear()
    return deployment


@pytest.fixture
def drilled(deployment: Deployment, build: Build) -> Callable[..., Context]:
    """Contexts of a drill's modules on a deployment that is captured as v0.9.0 and mounts a folder of its own."""
    (deployment.src / "files").mkdir()
    (deployment.src / "files/one").write_text("of production")
    definition = deployment.compose.render()
    mount = {"type": "bind", "source": str(deployment.src / "files"), "target": "/files"}
    definition["services"]["web"] |= {"volumes": [mount], "networks": {"default": None}}
    definition["networks"] = {"default": {"name": "shop_default"}}
    (deployment.src / "compose.yml").write_text(json.dumps(definition))
    deployment.compose.recreate({"api": 1, "web": 1}, None, isolate=False)
    Operator(deployment, build)
    deployment.world.calls.clear()

    def context(number: int = 1, **params: Any) -> Context:
        asked = {"version": None, "fault": "container_kill", "seed": 7, "service": None, "tier": None, "without": []}
        more = {"copy_limit": 1024, "ports": {}, "state": "present", "remains": False, "dead_run": None}
        more |= {"error": None, "lock_wait": 0, "notice": 0.0}
        run = build.run(number, playbook="drill.yml", **params.pop("holder", {}))
        found = deployment.context(run=run, **{**asked, **more, **params})
        found.drills = True
        return found

    return context


@pytest.fixture
def served(deployment: Deployment, request: pytest.FixtureRequest) -> Callable[..., Context]:
    """The same, of a stack whose service ``web`` is the server of a PostgreSQL database."""
    deployment.add_database()
    context: Callable[..., Context] = request.getfixturevalue("drilled")
    (server,) = [each for each in deployment.world.running if each.service == "web"]
    deployment.raw["postgres"] = [{"database": "shop", "container": server.name, "password": "hunter2"}]
    return context


@pytest.fixture
def operator(deployment: Deployment, build: Build, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A deployment in need of a rollback."""
    monkeypatch.setattr("ansible_collections.tiered.rollback.plugins.module_utils._replace._POLL", 0.01)
    return Operator(deployment, build)


@pytest.fixture
def site() -> Iterator[Site]:
    """A real HTTP server; what it answers is stated by the test."""
    with serving() as found:
        yield found


@pytest.fixture
def snapshot_api(site: Site) -> SnapshotApi:
    """A snapshot API on a real server."""
    return SnapshotApi(site)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories to copy; to make them takes git half a second."""
    return github.release(tmp_path_factory.mktemp("released"))


@pytest.fixture
def ci(tmp_path: Path, released: Path) -> Iterator[Ci]:
    """A project whose CI broke when it moved into Docker; what breaks GitHub's contract fails the test."""
    with FakeGitHub(token=github.TOKEN) as server:
        yield Ci(Project(server, tmp_path, released), tmp_path / "state")


@pytest.fixture
def swarmed(tmp_path: Path, build: Build) -> Operator:
    """Someone who runs the playbooks' modules on a stack of a swarm: v0.9.0 is captured, v1.0.0 runs."""
    return Operator(SwarmDeployment(tmp_path), build)
