# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the reports among a run's artifacts say: how much is covered, and what the tests came to."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ansible_collections.tiered.rollback.plugins.module_utils import _ci_metrics, _github_runs, _test_reports
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._github import GitHub
from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import Artifact
from ansible_collections.tiered.rollback.plugins.module_utils._test_reports import Counts

#: A small archive may unpack to anything; reports are not large.
_MOST_FILES, _MOST_BYTES = 2000, 64 << 20
_REPORTS = (".xml", ".json", ".info")


@dataclass(frozen=True, kw_only=True)
class Reports:
    """What was found; None where no report says it.

    :param coverage: percent.
    :param remarks: what could not be read, and why.
    """

    coverage: float | None = None
    tests: Counts | None = None
    remarks: tuple[str, ...] = ()


def read(github: GitHub, artifacts: Sequence[Artifact], patterns: Sequence[str]) -> Reports:
    """Read the artifacts whose name is like one of the patterns; each is one request."""
    coverage: float | None = None
    tests: Counts | None = None
    remarks: list[str] = []
    for artifact in artifacts:
        if not _ci_metrics.like(artifact.name, patterns):
            continue
        try:
            for name, data in _files(artifact, _github_runs.download(github, artifact)):
                percent = _test_reports.coverage(name, data)
                coverage = percent if percent is not None else coverage
                if percent is None and name.lower().endswith(".xml"):
                    tests = _added(tests, _test_reports.junit(data))
        except RollbackError as error:
            remarks.append(f"artifact {artifact.name}: {error.message}")
    return Reports(coverage=coverage, tests=tests, remarks=tuple(remarks))


def _files(artifact: Artifact, archive: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = [each for each in opened.infolist() if PurePath(each.filename).suffix.lower() in _REPORTS]
            if len(entries) > _MOST_FILES or sum(each.file_size for each in entries) > _MOST_BYTES:
                raise RollbackError(f"{artifact.name} unpacks to too much", "Upload the reports on their own.")
            for entry in entries:
                yield PurePath(entry.filename).name, opened.read(entry)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise RollbackError(f"{artifact.name} is no archive that can be read: {error}", "Upload it again.") from error


def _added(one: Counts | None, other: Counts) -> Counts:
    if one is None:
        return other
    return Counts(
        tests=one.tests + other.tests,
        failures=one.failures + other.failures,
        errors=one.errors + other.errors,
        skipped=one.skipped + other.skipped,
        seconds=one.seconds + other.seconds,
    )
