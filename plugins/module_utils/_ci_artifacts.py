# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a run of tests leaves: that this very run wrote them, and what its reports say."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _test_reports
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Unmet
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_HINT = "Have the tests write it into a directory that the Compose file mounts."


class Artifacts:
    """The files below a directory that a run has to write; made before the run, to know what an earlier one left."""

    def __init__(self, directory: Path, paths: Collection[str]) -> None:
        self._directory = directory
        self._before = {path: self._state(path) for path in paths}

    def written(self, paths: Collection[str]) -> str:
        """Say how many were written, or which were not."""
        if missing := [wrong for path in paths if (wrong := self._missing(path))]:
            raise Unmet("; ".join(missing))
        return f"{len(paths)} written"

    def junit(self, path: str) -> str:
        """Say what the JUnit report counts, or that tests failed or none ran."""
        counts = _test_reports.junit(self._read(path))
        found = f"{counts.tests} tests, {counts.failures} failures, {counts.errors} errors, {counts.skipped} skipped"
        if counts.failures or counts.errors or counts.tests == counts.skipped:
            raise Unmet(found)
        return found

    def coverage(self, path: str, least: float) -> str:
        """Say the percentage of a coverage report, or that it is too low."""
        percent = _test_reports.coverage(path, self._read(path))
        if percent is None:
            raise RollbackError(
                f"{path} is no coverage report, or has measured nothing",
                "Cobertura ends in .xml, the JSON of coverage.py in .json, LCOV in .info or .lcov.",
            )
        if percent < least:
            raise Unmet(f"{percent:.6g} %")
        return f"{percent:.6g} %"

    def _read(self, path: str) -> bytes:
        if missing := self._missing(path):
            raise RollbackError(missing, _HINT)
        try:
            with (self._directory / path).open("rb") as file:
                return file.read(_test_reports.MOST + 1)
        except OSError as error:
            raise RollbackError(f"{path} cannot be read: {error.strerror}", _HINT) from error

    def _missing(self, path: str) -> str:
        now = self._state(path)
        if now is None:
            return f"{path} is not there"
        return f"{path} was not written by this run" if now == self._before[path] else ""

    def _state(self, path: str) -> tuple[int, int, int] | None:
        try:
            found = (self._directory / path).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
