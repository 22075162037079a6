# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a Tier 2 rollback impossible is said clearly, before anything is touched."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.tier2 import PASSWORD, Tier2


@pytest.fixture(scope="module")
def tier2(make_stack: Any) -> Tier2:
    stack: Stack = make_stack()
    made = Tier2(stack)
    made.begin(rows=20)
    described = stack.description.pop("postgres")
    stack.capture("v0.8.0")
    stack.description["postgres"] = described
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    # What is compared below must not be written to meanwhile.
    engine.docker("stop", "-t", "1", stack.containers("writer")[0]["Id"])
    return made


@contextmanager
def _described(tier2: Tier2, **changes: Any) -> Iterator[None]:
    kept = copy.deepcopy(tier2.stack.description["postgres"])
    tier2.stack.description["postgres"][0].update(changes)
    yield
    tier2.stack.description["postgres"] = kept


@contextmanager
def _undescribed(tier2: Tier2) -> Iterator[None]:
    kept = tier2.stack.description.pop("postgres")
    yield
    tier2.stack.description["postgres"] = kept


@contextmanager
def _as_it_is(_tier2: Tier2) -> Iterator[None]:
    yield


@contextmanager
def _stopped_server(tier2: Tier2) -> Iterator[None]:
    (container,) = tier2.stack.containers("db")
    engine.docker("stop", container["Id"])
    yield
    tier2.stack.up("db")


@contextmanager
def _flipped_byte(tier2: Tier2) -> Iterator[None]:
    point = tier2.stack.restore_points / tier2.stack.points("v0.9.0")[0]
    path = max((point / "databases").rglob("*.dat*"), key=lambda found: found.stat().st_size)
    kept = path.read_bytes()
    path.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
    yield
    path.write_bytes(kept)


CASES: dict[str, tuple[Callable[[Tier2], Any], str, str]] = {
    "wrong password": (lambda it: _described(it, password="no such word"), "v0.9.0", "password"),
    "no such database": (
        lambda it: _described(it, database="shopp", name="shop"),
        "v0.9.0",
        "there is no database shopp",
    ),
    "no such container": (lambda it: _described(it, container="no-such"), "v0.9.0", "no-such"),
    "server stopped": (_stopped_server, "v0.9.0", "HINT"),
    "flipped byte": (_flipped_byte, "v0.9.0", "is damaged: databases/shop"),
    "captured without it": (_as_it_is, "v0.8.0", "holds no copy of shop"),
    "no database described": (_undescribed, "v0.9.0", "describes no database"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_nothing_is_touched(tier2: Tier2, case: str) -> None:
    spoil, version, message = CASES[case]
    databases = tier2.databases()
    with spoil(tier2):
        before = tier2.stack.snapshot()
        outcome = tier2.stack.run("tier2-standard.yml", version=version)
        after = tier2.stack.snapshot()
    assert outcome.rc != 0
    assert message in outcome.said
    assert "HINT" in outcome.said
    assert after == before
    assert tier2.databases() == databases
    assert PASSWORD not in outcome.output
