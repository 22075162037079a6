# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project on disk over a fake engine and a fake Compose, and who runs modules on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _begin
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._run import Run
from ansible_collections.tiered.rollback.plugins.modules import restore_point, stack_switch
from ansible_collections.tiered.rollback.tests.support.builders import Build, Tree, read_tree
from ansible_collections.tiered.rollback.tests.support.fake_database import FakeDatabase
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule
from ansible_collections.tiered.rollback.tests.support.fake_stack import FakeCompose, FakeEngine, World
from ansible_collections.tiered.rollback.tests.support.fake_swarm import SwarmDeployment


class Deployment:
    """A project ``shop`` on disk with two versions of its image, and contexts to run modules on it.

    ``web`` publishes a port (stop-first), ``api`` does not (start-first); both use the image ``shop:${VERSION}``.
    """

    def __init__(self, root: Path) -> None:
        self.src = root / "shop"
        self.state_dir = root / "state"
        self.src.mkdir()
        self.world = World(self.src)
        self.engine, self.compose = FakeEngine(self.world), FakeCompose(self.world)
        self.databases: list[FakeDatabase] = []
        self.raw: dict[str, Any] = {
            "name": "shop",
            "project_src": str(self.src),
            "files": ["compose.yml"],
            "health_timeout": 0,
            "services": {"api": {"settle": 0, "drain_timeout": 0, "drain_command": ["true"]}, "web": {"settle": 0}},
        }
        for version in ("v0.9.0", "v1.0.0"):
            self.world.add_image(version, f"shop:{version}")
        self.deploy("v0.9.0")

    @property
    def state(self) -> Path:
        return self.state_dir / "shop"

    def deploy(self, version: str) -> None:
        """What a person does: write the files, then ``docker compose up -d``."""
        service = {"image": "shop:${VERSION}", "healthcheck": {"test": ["CMD", "true"]}}
        services = {"api": service, "web": {**service, "ports": [{"published": "8080", "target": 80}]}}
        (self.src / "compose.yml").write_text(json.dumps({"name": "shop", "services": services}))
        (self.src / ".env").write_text(f"VERSION={version}\n")
        self.compose.recreate({"api": 1, "web": 1}, None, isolate=False)
        self.world.calls.clear()

    def add_database(self, name: str = "shop", group: str = "server") -> FakeDatabase:
        """Describe a database that ``api`` writes to."""
        made = FakeDatabase(name, group)
        self.databases.append(made)
        described = {"database": name, "host": "db", "writers": ["api"]}
        self.raw["postgres"] = [*self.raw.get("postgres", []), described]
        return made

    def running(self) -> dict[str, str]:
        """Image id by service."""
        return {c.service: c.image_id for c in self.world.running if c.running}

    def context(self, *, check_mode: bool = False, run: Run | None = None, **params: Any) -> Context:
        given = {"stack": self.raw, "state_dir": str(self.state_dir), **params}
        if run is not None:
            given["run"] = run.to_dict()
        context = Context(FakeModule(given, check_mode))
        context.__dict__.update(engine=self.engine, compose=self.compose)
        return context

    def trees(self) -> Tree:
        """Everything on disk that a module could have touched."""
        return read_tree(self.src, self.state_dir)


class Operator:
    """Someone who runs the playbooks' modules on a deployment: v0.9.0 is captured, v1.0.0 runs and is broken."""

    def __init__(self, deployment: Deployment | SwarmDeployment, build: Build) -> None:
        self.deployment, self.build = deployment, build
        self.capture("v0.9.0")
        deployment.deploy("v1.0.0")

    def capture(self, version: str, **changes: Any) -> dict[str, Any]:
        """Capture a restore point of what runs."""
        defaults = {"version": version, "pinned": False, "prove": True, "keep_prepared": False, "lock_wait": 0}
        return restore_point.act(self.deployment.context(run=self.build.run(0), **{**defaults, **changes}))

    def begin(self, number: int = 1, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        """Begin a run and leave it there, as one that is killed then."""
        context = self._context(number, check_mode, changes)
        if check_mode:
            return _begin.foretell(context)
        with _begin.lock(context):
            return _begin.begin(context)

    def switch(self, number: int = 1, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        """A whole run."""
        return stack_switch.act(self._context(number, check_mode, changes))

    def _context(self, number: int, check_mode: bool, changes: Mapping[str, Any]) -> Context:
        defaults = {
            "kind": "rollback",
            "version": "v0.9.0",
            "undo_run": None,
            "tier": 1,
            "schema_compatible": False,
            "event": None,
            "lock_wait": 0,
            "dead_run": None,
            "components": [],
            "flags": {},
            "config": None,
            "keep": [],
            "checks": [],
            "snapshot": None,
            "levels": None,
            "mcp": True,
            "phase": None,
            "allow_quarantined": False,
            "deployment": None,
        }
        return self.deployment.context(check_mode=check_mode, run=self.build.run(number), **{**defaults, **changes})
