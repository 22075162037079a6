# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runs of a repository's workflows come to in figures (pure)."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile

from ansible_collections.tiered.rollback.plugins.module_utils._github_runs import Job, WorkflowRun
from ansible_collections.tiered.rollback.plugins.module_utils._test_reports import Counts

#: What says something of the code or of CI; a run that was cancelled or skipped says nothing.
_GOOD = frozenset({"success"})
_BAD = frozenset({"failure", "timed_out", "startup_failure"})


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Figures of the newest runs that had ended with a verdict.

    :param runs: how many they are.
    :param failed_in_row: how many of the newest failed, up to the first that did not.
    :param pass_rate: percent of them that succeeded; None where there are none, as in what follows.
    :param seconds: of the newest run.
    :param median_seconds: of those that succeeded, since one that fails early is quick.
    :param coverage: percent, as the newest report says.
    :param coverage_missing_in_row: how many of the newest left no coverage report, up to the first that did.
    :param build_failed_in_row: how many of the newest failed in a job that builds an image, likewise.
    :param artifact_rate: percent of those that succeeded which left an artifact.
    :param test_failure_rate: percent of the tests in the newest report that failed.
    """

    runs: int
    failed_in_row: int
    pass_rate: float | None
    seconds: float | None
    median_seconds: float | None
    coverage: float | None
    coverage_missing_in_row: int
    build_failed_in_row: int
    artifact_rate: float | None
    test_failure_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Names:
    """Patterns that tell what a thing is by its name, in any case.

    :param coverage: of artifacts that hold a coverage report.
    :param build: of jobs that build an image.
    """

    coverage: tuple[str, ...]
    build: tuple[str, ...]


def measure(
    runs: Sequence[WorkflowRun],
    jobs: Mapping[int, Sequence[Job]],
    artifacts: Mapping[int, Sequence[str]],
    names: Names,
    *,
    known_from: int = 0,
    coverage: float | None = None,
    tests: Counts | None = None,
) -> Metrics:
    """Return the figures of runs of one workflow.

    :param runs: newest first.
    :param jobs: by the run's id.
    :param artifacts: their names, by the run's id.
    :param known_from: id of the first run whose artifacts are known.
    :param coverage: percent, as the newest report says.
    :param tests: as the newest report counts them.
    """
    judged = [run for run in runs if run.conclusion in _GOOD | _BAD]
    passed = [run for run in judged if run.conclusion in _GOOD]
    known = [run for run in passed if run.id >= known_from]

    def covered(run: WorkflowRun) -> bool:
        return any(like(name, names.coverage) for name in artifacts.get(run.id, ()))

    def built(run: WorkflowRun) -> bool:
        return not any(job.conclusion in _BAD and like(job.name, names.build) for job in jobs.get(run.id, ()))

    return Metrics(
        runs=len(judged),
        failed_in_row=_until(judged, lambda run: run.conclusion in _GOOD),
        pass_rate=_percent(len(passed), len(judged)),
        seconds=judged[0].seconds if judged else None,
        median_seconds=statistics.median(run.seconds or 0.0 for run in passed) if passed else None,
        coverage=coverage,
        coverage_missing_in_row=_until(judged, covered),
        build_failed_in_row=_until(judged, built),
        artifact_rate=_percent(sum(bool(artifacts.get(run.id)) for run in known), len(known)),
        test_failure_rate=_percent(tests.failures + tests.errors, tests.tests) if tests else None,
    )


def like(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is like one of the patterns, in any case."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _until(runs: Sequence[WorkflowRun], good: Callable[[WorkflowRun], bool]) -> int:
    return sum(1 for _run in takewhile(lambda run: not good(run), runs))


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
