# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ansible_collections.tiered.rollback.plugins.module_utils import _fleet
from ansible_collections.tiered.rollback.plugins.modules import fleet_report

RUN = "20261122T100000Z-aaaaaa"


def tell(directory: Path, *, check_mode: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Run the module for a canary that failed, and return its answer and its warnings."""
    given = {
        "plan": _fleet.plan(["a", "b"]),
        "results": [_fleet.result({"failed": True, "msg": "no room\nHINT: make some"}, "a", "r1")],
        "forward": [],
        "launch": {"run": {"id": RUN, "started": "2026-11-22T10:00:00.000+00:00"}, "given": {"tier": "1"}},
        "inventory": ["/etc/hosts.yml"],
        "limit": "web",
        "directory": str(directory),
    }
    warned: list[str] = []
    module = SimpleNamespace(params=given, check_mode=check_mode, warn=warned.append)
    return fleet_report.act(cast(Any, module)), warned


def test_it_writes_one_record_three_times_readable_by_its_owner_only(tmp_path: Path) -> None:
    answer, warned = tell(tmp_path / "fleet")
    report = Path(answer["report"])
    assert report == tmp_path / f"fleet/{RUN}.html"
    assert sorted(path.suffix for path in report.parent.iterdir()) == [".html", ".json", ".md"]
    assert {path.stat().st_mode & 0o777 for path in report.parent.iterdir()} == {0o600}
    assert report.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(report.with_suffix(".json").read_text()) == answer["record"]
    assert answer["subject"] in report.read_text()
    assert answer["subject"] in report.with_suffix(".md").read_text()
    assert warned == []


def test_it_tells_what_went_wrong_and_the_command_with_its_hosts(tmp_path: Path) -> None:
    answer, _warned = tell(tmp_path)
    assert answer["unwell"] == {"a": "failed: no room\nHINT: make some"}
    assert answer["subject"] == answer["told"][0] == "Tier 1 rollback of 2 hosts was STOPPED: 1 failed, 1 not begun"
    assert "fleet.yml -i /etc/hosts.yml --limit web -e tier=1" in answer["told"][-1]
    assert answer["record"]["duration"] > 0


def test_check_mode_tells_the_same_and_writes_nothing(tmp_path: Path) -> None:
    foretold, _warned = tell(tmp_path / "fleet", check_mode=True)
    assert not (tmp_path / "fleet").exists()
    real, _warned = tell(tmp_path / "fleet")
    assert foretold["report"] is None
    same = ("changed", "subject", "told", "unwell")
    assert [foretold[key] for key in same] == [real[key] for key in same]


def test_a_report_that_cannot_be_written_is_a_warning_and_hides_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    answer, warned = tell(tmp_path / "file" / "below")
    assert len(warned) == 3
    assert "could not be written" in warned[0]
    assert set(answer["unwell"]) == {"a"}
