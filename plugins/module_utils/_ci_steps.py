# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked of a checkout whose tests CI runs in Docker, in its order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _names, _workflow_check
from ansible_collections.tiered.rollback.plugins.module_utils._ci_artifacts import Artifacts
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Checks, Unmet
from ansible_collections.tiered.rollback.plugins.module_utils._ci_project import CiProject
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

#: How a check is done: its name, what is expected, the check itself and the names of those it needs.
Do = Callable[[str, str, Callable[[], str], Collection[str]], None]

_COMPOSE = (2, 20)
#: So many budgets later a build or run is stopped; until then its time is worth knowing.
_PATIENCE = 3
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for; the options of the module ``ci_validate``."""

    project_src: str
    compose_file: str
    service: str
    workflow_checks: Sequence[str]
    artifacts: Sequence[str]
    junit: str | None
    coverage: str | None
    coverage_minimum: float
    build_budget: int
    test_budget: int


def validate(wanted: Wanted, *, check_mode: bool) -> tuple[Checks, float | None]:
    """Do all checks; also return the time of the build with cache as a part of that without."""
    steps = _Steps(wanted)
    steps.look()
    if check_mode:
        steps.run(steps.foretell)
    elif steps.checks.done("engine", "compose file"):
        with steps.project.alone():
            steps.run(steps.checks.do)
    else:
        steps.run(steps.checks.do)
    return steps.checks, steps.ratio


class _Steps:
    def __init__(self, wanted: Wanted) -> None:
        reports = [path for path in (wanted.junit, wanted.coverage) if path]
        for path in (wanted.compose_file, *wanted.artifacts, *reports):
            _names.relative_path(path, "a file of the checkout")
        self.wanted = wanted
        self.checks = Checks()
        self.project = CiProject(wanted.project_src, wanted.compose_file, wanted.service)
        self._written = [*wanted.artifacts, *reports]
        self._services: list[str] = []
        self._builds: list[float] = []

    @property
    def ratio(self) -> float | None:
        """Time of the second build by that of the first."""
        return round(self._builds[1] / self._builds[0], 3) if len(self._builds) == 2 else None

    def look(self) -> None:
        """Check what needs nothing to be built or run."""
        self.checks.do("engine", "answers", self.project.engine)
        self.checks.do("compose", f"{'.'.join(map(str, _COMPOSE))} or newer", self._compose)
        self.checks.do("buildx", "answers", self.project.buildx)
        self.checks.do("compose file", f"valid, with service {self.wanted.service}", self._file, ["compose"])
        self.checks.do("workflow files", f"no finding ({', '.join(self.wanted.workflow_checks)})", self._workflows)

    def run(self, do: Do) -> None:
        """Build and run the tests, and look at what they leave."""
        wanted = self.wanted
        in_time = f"at most {wanted.build_budget} s"
        do("build without cache", in_time, lambda: self._build(cache=False), ["engine", "buildx", "compose file"])
        do("build with cache", in_time, lambda: self._build(cache=True), ["build without cache"])
        # Before the tests, to tell what they write from what an earlier run left.
        found = Artifacts(Path(wanted.project_src), self._written)
        do("tests", f"exit code 0, at most {wanted.test_budget} s", self._tests, ["build with cache"])
        if wanted.artifacts:
            do("artifacts", ", ".join(wanted.artifacts), lambda: found.written(wanted.artifacts), ["tests"])
        if junit := wanted.junit:
            do("junit", f"{junit} without failures", lambda: found.junit(junit), ["tests"])
        if coverage := wanted.coverage:
            least = wanted.coverage_minimum
            do("coverage", f"at least {least:g} %", lambda: found.coverage(coverage, least), ["tests"])
        do("clean-up", "nothing is left", self._clean, ["engine", "compose file"])

    def foretell(self, name: str, expected: str, _act: Callable[[], str], _needs: Collection[str]) -> None:
        """Do none of it."""
        self.checks.skip(name, expected, "check mode")

    def _compose(self) -> str:
        release = self.project.compose()
        found = re.match(r"v?([0-9]+)\.([0-9]+)", release)
        if not found or (int(found[1]), int(found[2])) < _COMPOSE:
            raise RollbackError(f"release {release:.40} is too old", "Upgrade the plugin of the docker command.")
        return release

    def _file(self) -> str:
        self._services = self.project.services()
        return f"services {', '.join(self._services)}"

    def _workflows(self) -> str:
        contents = _workflow_check.read(Path(self.wanted.project_src))
        findings = _workflow_check.validate({}, contents, self.wanted.workflow_checks)
        if findings:
            shown = "; ".join(map(str, findings[:_SHOWN]))
            more = f", and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
            raise Unmet(f"{shown}{more}; workflow_info lists them all")
        return f"{len(contents)} files"

    def _build(self, *, cache: bool) -> str:
        budget = self.wanted.build_budget
        began = time.monotonic()
        self.project.build(cache=cache, timeout=_PATIENCE * budget)
        took = time.monotonic() - began
        self._builds.append(took)
        found = f"{took:.1f} s" + (f", {self.ratio:.0%} of the time without cache" if self.ratio is not None else "")
        return _in_time(found, took, budget)

    def _tests(self) -> str:
        budget = self.wanted.test_budget
        began = time.monotonic()
        code = self.project.test(self._services, timeout=_PATIENCE * budget)
        took = time.monotonic() - began
        found = f"exit code {code}, {took:.1f} s"
        if code != 0:
            repeat = f"docker compose -f {self.wanted.compose_file} run --rm {self.wanted.service}"
            raise Unmet(f"{found}; see what they print with: {repeat}")
        return _in_time(found, took, budget)

    def _clean(self) -> str:
        self.project.clean()
        return "removed"


def _in_time(found: str, took: float, budget: int) -> str:
    if took > budget:
        raise Unmet(found)
    return found
