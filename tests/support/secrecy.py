# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sees that no secret of a session's tests got anywhere, for each group's conftest to import."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from ansible_collections.tiered.rollback.tests.support import leaks


@pytest.fixture(scope="session", autouse=True)
def secret_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See at the end that no state holds a secret without a reason."""
    yield
    states = list(leaks.state_directories(tmp_path_factory.getbasetemp()))
    assert not [path for state in states for path in leaks.files(state)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that printed a secret, whoever of those it called did so."""
    report = yield
    if report.passed and leaks.holds(report.capstdout + report.capstderr + report.caplog):
        report.outcome = "failed"
        report.longrepr = "it printed a secret, see what was captured"
    return report
