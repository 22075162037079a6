# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _drivers,
    _files,
    _ledger,
    _staging,
    _staging_postgres,
)
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import drill_record, staging


@pytest.fixture
def copy(drilled: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A staging copy on paper, whose tier has come to an end."""
    monkeypatch.setattr(_staging, "compose", lambda *_args, **_options: "")
    monkeypatch.setattr(_staging, "wait", lambda *_: None)
    monkeypatch.setattr(_staging, "unwell", lambda *_: [])
    return staging.act(drilled())["plan"]


def _rolled(plan: dict[str, Any], example: dict[str, Any], run: str, **changes: Any) -> None:
    reports = _files.private_directory(Path(plan["state_dir"]) / plan["name"] / "reports")
    _files.write(reports / f"{run}.json", _files.dump_json({**example, "outcome": "succeeded", **changes}))
    fault = {"injected": example["started"], "noticed": "x", "noticed_after": 0.1, "said": "x", "probe": {}}
    _files.write(Path(plan["root"]) / "fault.json", _files.dump_json(fault))


def test_a_drill_is_a_report_and_a_line_of_production(
    drilled: Any, deployment: Any, copy: Any, example: dict[str, Any]
) -> None:
    ctx = drilled()
    _rolled(copy, example, ctx.run.id)
    found = drill_record.act(ctx)
    assert found["succeeded"] is True
    assert "container_kill in api, tier 1 in " in found["told"]
    assert Path(found["report"]) == deployment.state / "reports" / f"{ctx.run.id}.md"
    (line,) = _ledger.entries(deployment.state)
    assert (line["kind"], line["fault"], line["seed"], line["outcome"]) == ("drill", "container_kill", 7, "succeeded")
    assert json.loads(Path(found["report"]).with_suffix(".json").read_text())["stack"] == "shop"
    assert ctx.module.warnings == []


def test_one_that_failed_on_the_way_is_recorded_with_why(drilled: Any, deployment: Any, copy: Any) -> None:
    found = drill_record.act(drilled(error="the staging copy does not get well"))
    assert found["succeeded"] is False
    assert found["told"] == "shop: the drill (tier 1) failed: the staging copy does not get well"
    (line,) = _ledger.entries(deployment.state)
    assert line["outcome"] == "failed"


def test_a_copy_that_is_not_well_afterwards_fails_the_drill(
    drilled: Any, copy: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = drilled()
    _rolled(copy, example, ctx.run.id)
    monkeypatch.setattr(_staging, "unwell", lambda *_: ["web is gone"])
    assert "containers: web is gone" in drill_record.act(ctx)["told"]


@pytest.mark.parametrize("lost", [False, True])
def test_every_database_of_the_copy_is_compared_with_the_restore_point(
    served: Any, deployment: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch, build: Any, lost: bool
) -> None:
    for name, result in {"compose": "", "wait": None, "unwell": []}.items():
        monkeypatch.setattr(_staging, name, lambda *_args, _result=result, **_options: _result)
    monkeypatch.setattr(_staging_postgres, "fill", lambda *_: None)
    ctx = served()
    plan = staging.act(ctx)["plan"]
    _rolled(plan, example, ctx.run.id)
    (database,) = deployment.databases
    if lost:
        database.rows.clear()
    server = build.container("web", project=plan["name"], name=f"{plan['name']}-web-1")
    ctx.engine.container = lambda name: server if name == server.name else None
    monkeypatch.setattr(_drivers, "of_stack", lambda *_: [(database, None)])
    database.calls.clear()
    found = drill_record.act(ctx)
    assert database.calls == ["stage", "discard"]
    assert found["succeeded"] is not lost
    assert ("shop: t lacks 1 rows of the restore point" in found["told"]) is lost
    assert "hush" not in Path(found["report"]).with_suffix(".json").read_text() + repr(found)


def test_what_was_refused_before_anything_was_made_leaves_no_record(drilled: Any, deployment: Any) -> None:
    found = drill_record.act(drilled(error="a drill of this stack is under way"))
    assert (found["succeeded"], found["changed"], found["report"]) == (False, False, "")
    assert _ledger.entries(deployment.state) == []
    with pytest.raises(RollbackError, match="there is no staging copy"):
        drill_record.act(drilled())


def test_check_mode_records_nothing(drilled: Any, deployment: Any, copy: Any) -> None:
    ctx = drilled()
    ctx.module.check_mode = True
    drill_record.act(ctx)
    assert _ledger.entries(deployment.state) == []
