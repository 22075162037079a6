# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import gates_run

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(operator: Any) -> Run:
    """Run gates for v1.1.0."""

    def call(*gates: Any, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        defaults = {"version": "v1.1.0", "gates": list(gates), "skip": [], "override_reason": None, "lock_wait": 0}
        context = operator.deployment.context(
            check_mode=check_mode, run=operator.build.run(7), **{**defaults, **changes}
        )
        return gates_run.act(context)

    return call


def _states(answer: dict[str, Any]) -> dict[str, str]:
    return {gate["name"]: gate["state"] for gate in answer["gates"]}


def test_gates_that_all_pass_let_the_version_through_and_record_nothing(run: Run, operator: Any) -> None:
    before = operator.deployment.trees()
    answer = run({"name": "one", "command": ["true"]}, "rollback_plan")
    assert _states(answer) == {"one": "passed", "rollback_plan": "passed"}
    assert (answer["refused"], answer["report"], answer["changed"]) == ("", None, False)
    assert operator.deployment.trees() == before


def test_a_gate_that_fails_is_told_with_the_others_and_recorded(run: Run, operator: Any) -> None:
    state = operator.deployment.state
    gates = [{"name": "good", "command": ["true"]}, {"name": "bad", "command": ["false"]}, "lint"]
    answer = run(*gates)
    assert _states(answer) == {"good": "passed", "bad": "failed", "lint": "not configured"}
    assert answer["refused"].startswith(
        "2 of 3 gates do not let v1.1.0 pass: bad (failed: exit code 1), lint (not conf"
    )
    (line,) = _ledger.entries(state)
    assert (line["kind"], line["outcome"], line["from_version"], line["to_version"]) == (
        *("deploy", "refused"),
        *("v1.0.0", "v1.1.0"),
    )
    report = json.loads((state / "reports" / f"{line['run']}.json").read_text())
    assert report["deployment"]["gates"] == answer["gates"]
    text = (state / "reports" / f"{line['run']}.md").read_text()
    assert "refused by its gates; nothing was touched" in text
    assert "| failed | bad |" in text
    assert "not configured" in (state / "reports" / f"{line['run']}.html").read_text()
    assert _lock.holder(state) is None
    assert not (state / _journal.GATES).exists()


def test_check_mode_runs_none_and_says_what_is_not_configured(run: Run, operator: Any) -> None:
    before = operator.deployment.trees()
    command = ["touch", str(operator.deployment.src / "ran")]
    assert run({"name": "one", "command": command}, check_mode=True)["refused"] == ""
    answer = run({"name": "one", "command": command}, "lint", check_mode=True)
    assert _states(answer) == {"one": "", "lint": "not configured"}
    assert "lint (not configured" in answer["refused"]
    assert operator.deployment.trees() == before


def test_a_gate_that_is_left_out_is_not_run_and_is_said(run: Run, operator: Any) -> None:
    answer = run({"name": "bad", "command": ["false"]}, skip=["bad"], override_reason="known")
    assert (_states(answer), answer["skipped"], answer["refused"]) == ({"bad": "skipped"}, ["bad"], "")
    with pytest.raises(RollbackError, match="cannot be skipped without a reason"):
        run({"name": "bad", "command": ["false"]}, skip=["bad"])


def test_the_gates_of_the_stack_are_those_that_nobody_replaces(run: Run, operator: Any) -> None:
    operator.deployment.raw["gates"] = [{"name": "own", "command": ["false"]}]
    assert _states(run()) == {"own": "failed"}
    assert _states(run({"name": "other", "command": ["true"]})) == {"other": "passed"}
    del operator.deployment.raw["gates"]
    assert run()["gates"] == []


def test_a_check_is_a_gate_and_a_wrong_one_is_refused_before_any_is_run(run: Run, operator: Any) -> None:
    answer = run({"name": "well", "check": {"container": "api"}}, {"name": "ill", "check": {"container": "nobody"}})
    assert _states(answer) == {"well": "passed", "ill": "failed"}
    ran = operator.deployment.src / "ran"
    with pytest.raises(RollbackError, match="the check of gate ill"):
        run({"name": "one", "command": ["touch", str(ran)]}, {"name": "ill", "check": {"nothing": 1}})
    assert not ran.exists()


def test_there_is_a_plan_only_where_a_proven_point_is_whole_and_not_quarantined(run: Run, operator: Any) -> None:
    state = operator.deployment.state
    (point,) = (state / "restore_points").iterdir()
    image = operator.build.image_id("v0.9.0")
    gone = operator.deployment.world.images.pop(image)
    assert "are gone" in run("rollback_plan", check_mode=False)["refused"]
    operator.deployment.world.images[image] = gone
    (point / "proven.json").unlink()
    assert "there is no proven restore point" in run("rollback_plan")["refused"]
