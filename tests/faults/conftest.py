# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same stacks as the integration tests'; at the end, which of the injected faults were survived.

Every test here has the mark ``fault(playbook, fault)``: what it injects, and into what.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.tests.integration.conftest import (
    desk,
    images,
    make_stack,
    private,
    pytest_runtest_makereport,
    registry,
    released,
    secret_files,
    stacks,
)
from ansible_collections.tiered.rollback.tests.support import arena, fault_table
from ansible_collections.tiered.rollback.tests.support.playbook import PLAYBOOKS

__all__ = [
    "desk",
    "images",
    "make_stack",
    "private",
    "pytest_runtest_makereport",
    "registry",
    "released",
    "secret_files",
    "stacks",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the table be kept."""
    parser.addoption("--table", type=Path, help="the page that keeps the table of survived faults")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed once, before the workers are started, which inherit it."""
    if config.getoption("table") and not (arena.full() and not config.option.keyword):
        raise pytest.UsageError(f"--table keeps whole files of tests: set {arena.FULL_NAME}=1, and leave -k out")
    os.environ.setdefault(arena.SEED_NAME, str(random.SystemRandom().randrange(10**6)))
    config.addinivalue_line("markers", "fault(playbook, fault): which fault is injected into which playbook")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have every test carry its fault to where the table is made."""
    for item in items:
        mark = item.get_closest_marker("fault")
        playbook, fault = mark.args if mark else ("", "")
        if not (PLAYBOOKS / f"{playbook}.yml").is_file() or fault not in fault_table.FAULTS:
            raise pytest.UsageError(f"{item.nodeid} needs the mark fault(playbook, fault): {playbook!r}, {fault!r}")
        item.user_properties.append(("fault", (playbook, fault)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say which of the injected faults were survived, and how to have the same again."""
    reports = [report for kind in ("passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
    # In between workers a tuple becomes a list.
    tests = {report.nodeid: tuple(dict(report.user_properties)["fault"]) for report in reports}
    good = tests.keys() - {report.nodeid for report in reports if not report.passed}
    if not tests:
        return
    seed, counts = os.environ[arena.SEED_NAME], fault_table.count(tests, good)
    told = f"{fault_table.total(counts)} ({arena.SEED_NAME}={seed})"
    terminalreporter.write_line(f"\n{fault_table.render(counts)}\n\nfaults: {told}")
    # A run that was broken off says nothing of the rest.
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ended and (path := config.getoption("table")):
        fault_table.keep(path, tests, good, fault_table.circumstances(seed))
