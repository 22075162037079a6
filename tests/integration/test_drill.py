# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills on a stack that is in use: refused where they could reach it, every fault real, nothing left of a killed one.

What a drill that succeeds leaves alone is shown by Molecule's drill_kill and drill_migration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import (
    _drill_plan,
    _faults,
    _inject,
    _run,
    _staging,
)
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.modules import staging
from ansible_collections.tiered.rollback.tests.support import drills, engine, events
from ansible_collections.tiered.rollback.tests.support.stack import Snapshot, Stack

#: A drill whose process is gone.
KILLED = {
    "id": "20261120T100000Z-00dead",
    "started": "2026-11-20T10:00:00.000+00:00",
    "user": "olga",
    "host": "control",
    "boot": _run.boot_id(),
    "pid": 2**22 + 1,
    "pid_started": 1,
    "playbook": "drill.yml",
}


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Iterator[Stack]:
    """A stack whose service writes to a folder in which a link leads to what is none of its business."""
    made: Stack = make_stack()
    made.compose({"api": made.published(volumes=["./data:/data:ro", "./files:/files"], restart="unless-stopped")})
    made.write("private/ledger", "of production")
    made.write("files/own", "of production")
    (made.src / "files/out").symlink_to("../private/ledger")
    made.deploy("v0.9.0")
    yield made
    # Whatever failed above.
    drills.remove(made)


@pytest.fixture(scope="module")
def captured(stack: Stack) -> Stack:
    """The same, with a restore point."""
    stack.capture("v0.9.0")
    return stack


def _untouched(stack: Stack, before: Snapshot) -> None:
    now = stack.snapshot()
    assert (now.containers, now.files, now.tags) == (before.containers, before.files, before.tags)
    drills.assert_none_left(stack)


def test_without_a_restore_point_nothing_is_made_and_the_way_to_one_is_named(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "state", tmp_path)
    before = stack.snapshot()
    outcome = stack.run("drill.yml")
    assert outcome.rc != 0
    assert "there is no proven restore point to make a staging copy from" in outcome.said
    assert "restore-point.yml" in outcome.said
    _untouched(stack, before)


def test_a_variable_that_would_outrank_the_copy_is_refused_and_a_plan_alone_makes_nothing(captured: Stack) -> None:
    stack, before, recorded = captured, captured.snapshot(), captured.ledger()
    outcome = stack.run("drill.yml", rollback_stack=stack.description)
    assert outcome.rc != 0
    assert "which outranks the staging copy of a drill" in outcome.said
    said = stack.run("drill.yml", "--check", "--diff", fault="random", seed=11).ok().said
    assert f"DRILL OF {stack.name}" in said
    assert "seed           11" in said
    _untouched(stack, before)
    assert stack.ledger() == recorded


def test_a_bad_image_is_taken_back_and_no_link_leads_out_of_the_copy(captured: Stack) -> None:
    stack, before = captured, captured.snapshot()
    stack.run("drill.yml", fault="bad_image", seed=7).ok()
    _untouched(stack, before)
    record, _text = stack.report()
    assert record["drill"]["left_out"] == [str(stack.src / "files/out")]
    assert (record["outcome"], record["drill"]["seed"]) == ("succeeded", 7)
    assert "move_tag" in [step["action"] for step in record["plan"]["steps"]]
    assert "drill: bad_image" in stack.run("history.yml", kind="drill").ok().said


@pytest.fixture(scope="module")
def copy(captured: Stack) -> tuple[Context, dict[str, Any]]:
    """A staging copy of a drill that was killed."""
    stack = captured
    params: dict[str, Any] = {name: spec.get("default") for name, spec in staging.OPTIONS.items()}
    params |= {"stack": stack.description, "state_dir": str(stack.state), "run": KILLED, "fault": "disk_full"}
    module: Any = SimpleNamespace(params=params, check_mode=False, no_log_values=set(), warn=print)
    ctx = Context(module, drills=True)
    return ctx, staging.act(ctx)["plan"]


def _was_killed(container: str) -> bool:
    state = engine.inspect("container", container)[0]
    return bool(state["RestartCount"] > 0 or state["State"]["ExitCode"] == 137)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("disk_full", ""),
        ("process_kill", ""),
        ("network_cut", "api-0: "),
        ("bad_config", "api is not running (exit code 127)"),
    ],
)
def test_faults_are_real_and_in_the_copy_alone(copy: Any, stack: Stack, fault: str, seen: str) -> None:
    ctx, plan = copy
    before = stack.snapshot()
    described = _staging.description(ctx, plan)
    (old,) = ctx.engine.containers(plan["name"])
    found = _inject.inject({**plan, "fault": fault}, described, ctx.engine, 3.0 if seen else 0.0)
    assert seen in (found["noticed"] or "")
    (container,) = ctx.engine.containers(plan["name"])
    if fault == "disk_full":
        full = engine.docker("exec", container.id, "df", "--output=size,avail", "/tmp").split()
        assert (int(full[-2]) * 1024, int(full[-1])) == (_faults.FULL_BYTES, 0)
    if fault == "process_kill":
        # Compose has made it anew for the release; the engine starts it again after the kill.
        assert container.id != old.id
        events.poll(lambda: _was_killed(container.id), "the engine notices the kill")
    if fault == "network_cut":
        assert container.addresses == ()
    now = stack.snapshot()
    assert (now.containers, now.files, now.tags) == (before.containers, before.files, before.tags)


def test_what_a_killed_drill_left_is_removed_by_cleanup(copy: Any, stack: Stack) -> None:
    before = stack.snapshot()
    _ctx, plan = copy
    assert drills.copies(stack) == [plan["name"]]
    (Path(next(iter(plan["paths"].values()))) / "new").symlink_to(stack.src)
    stack.run("cleanup.yml").ok()
    _untouched(stack, before)


def test_when_drills_start_is_said_to_cron_systemd_and_awx(stack: Stack) -> None:
    said = stack.run("drill-schedule.yml", hour=3, minute=30, timezone="Europe/Berlin").ok().said
    assert "30 3 * * 5 [ " in said
    assert "OnCalendar=Fri *-*~07/1 03:30:00 Europe/Berlin" in said
    assert "T033000 RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR" in said


def test_what_could_reach_out_is_refused_by_name(captured: Stack) -> None:
    stack = captured
    ctx = Context(
        SimpleNamespace(  # type: ignore[arg-type]
            params={"stack": stack.description, "state_dir": str(stack.state), "run": {**KILLED}},
            check_mode=False,
            no_log_values=set(),
            warn=print,
        ),
        drills=True,
    )
    asked = {name: spec.get("default") for name, spec in _drill_plan.OPTIONS.items()}
    (point,) = [each for each in ctx.store.points() if each.kind == "deploy"]
    definition = ctx.store.definition(point)
    definition["services"]["api"] |= {"privileged": True, "pid": "host"}
    ctx.store.definition = lambda _point: json.loads(json.dumps(definition))  # type: ignore[method-assign]
    with pytest.raises(Exception, match="could reach production: api: pid: host; api: privileged: True"):
        _drill_plan.make(ctx, asked, "")
