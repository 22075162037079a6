# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _metrics_file

LINE = 'tiered_rollback_restore_points{stack="shop",kind="deploy",proven="true"} 1'


def test_after_every_capture_and_run_they_are_written_in_both_places(operator: Any, tmp_path: Path) -> None:
    there = tmp_path / "textfile"
    there.mkdir()
    operator.deployment.raw["metrics"] = str(there)
    own = operator.deployment.state / _metrics_file.NAME
    assert LINE in own.read_text()
    assert "runs_total" not in own.read_text()
    operator.switch()
    (other,) = there.iterdir()
    assert other.name == "tiered_rollback_shop.prom"
    assert [path.stat().st_mode & 0o777 for path in (own, other)] == [0o600, 0o644]
    assert own.read_text() == other.read_text()
    assert 'runs_total{stack="shop",kind="rollback",tier="1",outcome="succeeded"} 1' in own.read_text()


def test_a_directory_that_cannot_be_written_is_said_and_the_run_succeeds(operator: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    operator.deployment.raw["metrics"] = str(tmp_path / "file")
    assert operator.switch()["changed"]
    context = operator.deployment.context()
    _metrics_file.write(context)
    (warning,) = context.module.warnings
    assert "tiered_rollback_shop.prom could not be written" in warning


@pytest.mark.parametrize("line", ["{}", "[]", "x"])
def test_a_ledger_that_is_broken_is_said_and_leaves_the_metrics(operator: Any, line: str) -> None:
    own = operator.deployment.state / _metrics_file.NAME
    before = own.read_text()
    (operator.deployment.state / "ledger.jsonl").write_text(f"{line}\n")
    context = operator.deployment.context()
    _metrics_file.write(context)
    assert "metrics could not be made" in context.module.warnings[0]
    assert own.read_text() == before


def test_where_nothing_was_ever_done_nothing_is_written(deployment: Any) -> None:
    _metrics_file.write(deployment.context())
    assert not deployment.state.exists()


def test_no_restore_point_holds_them(operator: Any) -> None:
    operator.switch()
    points = operator.deployment.state / "restore_points"
    assert not list(points.rglob(f"*{_metrics_file.NAME}*"))
