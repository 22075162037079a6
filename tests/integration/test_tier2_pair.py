# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tier 2 on a stack with PostgreSQL and SQLite, each under a writer that never rests: both go back, or none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.tier2_sqlite import DATABASE, Pair


@pytest.fixture(scope="module")
def pair(make_stack: Any) -> Pair:
    made = Pair(make_stack())
    made.stack.capture("v0.9.0")
    made.postgres.migrate()
    made.sqlite.migrate()
    return made


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Let a process of this host, which no service's stop ends, hold a file open."""
    code = "import sys; held = open(sys.argv[1]); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.communicate()


def test_where_one_of_two_databases_cannot_be_exchanged_both_are_as_before(pair: Pair) -> None:
    before = pair.state()
    with held_open(pair.sqlite.live):
        outcome = pair.stack.run("tier2-standard.yml", version="v0.9.0")
    assert outcome.rc != 0
    pair.postgres.wait_written(5)
    pair.sqlite.wait_written(5)
    assert pair.state() == before
    assert not pair.missing()
    report, text = pair.stack.report()
    assert report["outcome"] == "reverted"
    assert f"{DATABASE} is open in process" in text
    assert "The state before" in text


def test_where_nothing_stands_in_the_way_both_go_back(pair: Pair) -> None:
    before = pair.state()
    pair.stack.run("tier2-standard.yml", version="v0.9.0").ok()
    assert all(new != old for new, old in zip(pair.state()[:3], before[:3], strict=True))
    pair.stack.undo().ok()
    assert pair.state() == before
    assert not pair.missing()
