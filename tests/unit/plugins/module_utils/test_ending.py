# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support.page import Page


def test_a_run_is_recorded_reported_and_the_stack_given_free(operator: Any) -> None:
    result = operator.switch()
    state = operator.deployment.state
    report = Path(result["report"])
    assert "**Rollback succeeded.**" in report.read_text()
    assert json.loads(report.with_suffix(".json").read_text()) == result["record"]
    (entry,) = _ledger.entries(state)
    assert (entry["run"], entry["outcome"], entry["to_version"]) == (
        operator.build.run(1).id,
        "succeeded",
        "v0.9.0",
    )
    assert _journal.load(state) is None
    assert _lock.holder(state) is None
    assert not (state / _journal.BALLAST).exists()


def test_all_reports_tell_of_the_same_run(operator: Any) -> None:
    result = operator.switch()
    report, run = Path(result["report"]), result["record"]["run"]
    page = Page(report.with_suffix(".html").read_text())
    page.refuse_what_is_not_in_it()
    assert f"undo.yml -e run={run}" in page.text
    assert "shop is back on v0.9.0" in report.with_suffix(".incident.md").read_text()
    names = {path.name.removeprefix(run) for path in report.parent.iterdir()}
    assert names == {".md", ".json", ".html", ".incident.md", ".probe.jsonl"}


def test_reports_that_cannot_be_written_are_told_and_the_rollback_succeeds(operator: Any) -> None:
    (operator.deployment.state / "reports").write_text("not a directory")
    assert operator.switch()["record"]["outcome"] == "succeeded"
    (entry,) = _ledger.entries(operator.deployment.state)
    assert entry["outcome"] == "succeeded"
    assert _journal.load(operator.deployment.state) is None


def test_a_run_that_was_taken_back_is_recorded_as_that_and_is_over(operator: Any) -> None:
    operator.deployment.world.sick.add(operator.build.image_id("v0.9.0"))
    with pytest.raises(RollbackError, match="was put back"):
        operator.switch()
    (entry,) = _ledger.entries(operator.deployment.state)
    assert entry["outcome"] == "reverted"
    assert _journal.load(operator.deployment.state) is None


def test_a_run_that_could_go_neither_way_stays_open_and_the_same_command_continues_it(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = operator.deployment.compose
    with monkeypatch.context() as without_compose:
        without_compose.setattr(compose, "render", compose.goes_away())
        with pytest.raises(RollbackError, match="failed too"):
            operator.switch()
    assert _journal.load(operator.deployment.state) is not None
    again = operator.switch(2)
    assert (again["record"]["outcome"], again["record"]["resumed"]) == ("succeeded", operator.build.run(1).id)
    assert [entry["outcome"] for entry in _ledger.entries(operator.deployment.state)] == ["failed", "succeeded"]


def test_an_undo_returns_to_what_ran_and_a_second_one_finds_nothing_to_do(operator: Any, tree: Any) -> None:
    deployment = operator.deployment
    before = tree(deployment.src)
    operator.switch(1)
    undone = operator.switch(2, kind="undo", version=None)
    assert (undone["record"]["kind"], undone["record"]["to_version"]) == ("undo", "v1.0.0")
    assert set(deployment.running().values()) == {operator.build.image_id("v1.0.0")}
    assert tree(deployment.src) == before
    assert operator.begin(3, kind="undo", version=None)["needed"] is False


def test_a_ledger_that_somebody_changed_keeps_the_run_open(operator: Any) -> None:
    operator.switch(1)
    path = operator.deployment.state / _ledger.NAME
    path.write_bytes(path.read_bytes().replace(b"succeeded", b"Succeeded"))
    operator.deployment.deploy("v1.0.0")
    with pytest.raises(RollbackError, match=r"line 1 of .*ledger\.jsonl was changed"):
        operator.switch(2)
    assert _journal.load(operator.deployment.state) is not None
