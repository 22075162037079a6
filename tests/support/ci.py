# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project on GitHub whose CI is broken."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _api
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.tests.support.builders import Build
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule
from ansible_collections.tiered.rollback.tests.support.github import Project


class Ci:
    """A project on GitHub whose CI is broken, and the contexts of modules that work on it."""

    def __init__(self, project: Project, state_dir: Path) -> None:
        self.project, self.state_dir = project, state_dir
        self.github, self.repository = project.github, project.repository

    def client(self, **changes: Any) -> GitHub:
        """The client of the modules."""
        return GitHub(
            _api.parse_github({"clone_url": None, "branch": None, **self.project.described(**changes)}, "github")
        )

    def call(self, module: ModuleType, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        """Run a module; an option that is not given has its default."""
        defaults = {name: spec.get("default") for name, spec in module.OPTIONS.items()}
        described = self.project.described(**params.pop("github", {}))
        own = {"github": {"clone_url": None, "branch": None, **described}, "state_dir": str(self.state_dir)}
        given = {
            "stack": {"name": "shop", "project_src": "/opt/shop"},
            "run": Build().run(0).to_dict(),
            **own,
            **params,
        }
        known = {name: given[name] for name in module.OPTIONS if name in given}
        made = FakeModule({**defaults, **known}, check_mode)
        return dict(module.act(Context(made) if "stack" in module.OPTIONS else made))
