# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _carry_out, _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint


class Scripted:
    """A switch that does at each call what it is told: return checks, or raise."""

    def __init__(self, *answers: Any, touched: bool = True) -> None:
        self.answers, self.touched, self.went = list(answers), touched, []  # type: ignore[var-annotated]

    def to(self, point: RestorePoint) -> list[dict[str, Any]]:
        self.went.append(point.kind)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


@pytest.fixture
def carry_out(operator: Any) -> Any:
    """Carry out a run that has begun, by a scripted switch."""
    operator.begin()
    context = operator._context(1, False, {})
    journal = _journal.load(operator.deployment.state)
    assert journal is not None
    target, before = context.store.load(journal.target), context.store.load(journal.before)
    return lambda switch: _carry_out.carry_out(context, journal, switch, target, before)


def _outcome(operator: Any) -> str:
    assert _lock.holder(operator.deployment.state) is None
    return str(_ledger.entries(operator.deployment.state)[-1]["outcome"])


def test_a_run_that_succeeds_is_recorded(operator: Any, carry_out: Any) -> None:
    switch = Scripted([{"name": "a", "ok": True, "found": ""}])
    assert carry_out(switch)["checks"][0]["name"] == "a"
    assert (switch.went, _outcome(operator)) == (["deploy"], "succeeded")
    assert _journal.load(operator.deployment.state) is None


def test_a_run_that_fails_goes_back_whatever_the_failure(operator: Any, carry_out: Any) -> None:
    switch = Scripted(ValueError("surprise"), [])
    with pytest.raises(RollbackError, match=r"ValueError: surprise\. The state before \(v1\.0\.0, .*was put back"):
        carry_out(switch)
    assert (switch.went, _outcome(operator)) == (["deploy", "before"], "reverted")


def test_a_run_that_touched_nothing_has_nothing_to_put_back(operator: Any, carry_out: Any) -> None:
    switch = Scripted(RollbackError("no"), touched=False)
    with pytest.raises(RollbackError, match=r"no\. Nothing was changed: v1\.0\.0 runs as before"):
        carry_out(switch)
    assert (switch.went, _outcome(operator)) == (["deploy"], "reverted")


def test_a_run_that_cannot_go_back_stays_open(operator: Any, carry_out: Any) -> None:
    with pytest.raises(RollbackError, match=r"no\. Putting the state before back failed too: nor back"):
        carry_out(Scripted(RollbackError("no"), RollbackError("nor back")))
    assert _outcome(operator) == "failed"
    assert _journal.load(operator.deployment.state) is not None
