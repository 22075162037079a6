# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _choice, _ledger
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint


def _resolve(deployment: Any, **changes: Any) -> RestorePoint:
    """The point that is meant where v1.0.0 runs."""
    params = {"kind": "rollback", "version": None, "undo_run": None, **changes}
    journal = params.pop("journal", None)
    ctx = deployment.context(**params)
    points = list(ctx.store.points())
    point, scope = _choice.resolve(ctx, journal, points, points[1:], "v1.0.0")
    assert scope is None
    return point


def test_previous_is_the_version_before_the_one_that_runs(captured: Any) -> None:
    assert _resolve(captured, version="previous").version == "v0.9.0"


def test_an_undo_goes_to_the_state_before_the_newest_rollback(captured: Any) -> None:
    ids = [point.id for point in captured.context().store.points()]
    entry = {"run": "r", "kind": "rollback", "outcome": "succeeded", "before": ids[0], "target": ids[1]}
    _ledger.append(captured.state, entry)
    assert _resolve(captured, kind="undo").id == ids[0]


@pytest.mark.parametrize(
    ("killed", "named", "expected"),
    [
        ("rollback", False, "v1.0.0"),
        ("rollback", True, "v1.0.0"),
        ("undo", False, "v0.9.0"),
        ("undo", True, "v1.0.0"),
    ],
)
def test_an_undo_goes_on_with_a_killed_undo_and_undoes_any_other_run_or_the_one_that_is_named(
    captured: Any, build: Any, killed: str, named: bool, expected: str
) -> None:
    target, before = [point.id for point in captured.context().store.points()]
    facts = {"from_version": "v1.0.0", "plan": []}
    journal = Journal(
        path=captured.state / "journal.json", run=build.run(3), kind=killed, tier=1, target=target, before=before,
        facts=facts,
    )  # fmt: skip
    found = _resolve(captured, kind="undo", undo_run=build.run(3).id if named else None, journal=journal)
    assert found.version == expected


@pytest.mark.parametrize(
    ("running", "to", "forward"),
    [("v0.9.0", "v1.0.0", True), ("v1.0.0", "v0.9.0", False), ("v1.0.0", "v1.0.0", False), ("other", "v1.0.0", False)],
)
def test_forward_is_to_what_was_deployed_later(captured: Any, running: str, to: str, forward: bool) -> None:
    points = list(captured.context().store.points())
    assert _choice.is_forward(points, running, to) is forward


def test_services_that_an_undone_run_was_limited_to_are_those_of_its_undo(captured: Any) -> None:
    ids = [point.id for point in captured.context().store.points()]
    entry = {
        "run": "r",
        "kind": "rollback",
        "outcome": "succeeded",
        "before": ids[0],
        "target": ids[1],
        "scope": ["web"],
    }
    _ledger.append(captured.state, entry)
    ctx = captured.context(kind="undo", version=None, undo_run=None)
    points = list(ctx.store.points())
    assert _choice.resolve(ctx, None, points, points[1:], "v1.0.0")[1] == {"web"}
