# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ci_steps
from ansible_collections.tiered.rollback.plugins.module_utils._ci_checks import Checks, Unmet
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import ci_validate


class Module:
    """What ``act`` uses of AnsibleModule."""

    def __init__(self, check_mode: bool, **params: Any) -> None:
        given = {name: option.get("default") for name, option in ci_validate.OPTIONS.items()}
        self.params = {**given, **params}
        self.check_mode = check_mode


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """What the checks find, engine and coverage alone."""
    made = Checks()
    made.do("engine", "answers", lambda: "26.1")
    monkeypatch.setattr(_ci_steps, "validate", lambda wanted, check_mode: (made, 0.4))
    return made


def _act(path: Path, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    return ci_validate.act(Module(check_mode, **{"project_src": str(path), "report": "r.json", **params}))


def test_the_report_is_written_and_returned(tmp_path: Path, checks: Checks) -> None:
    result = _act(tmp_path)
    assert json.loads((tmp_path / "r.json").read_text()) == result["report"]
    assert result["report"]["success_rate"] == 100
    assert (result["report"]["cache_ratio"], result["report"]["project_src"]) == (0.4, str(tmp_path))
    assert result["changed"]


@pytest.mark.parametrize(("check_mode", "report"), [(True, "r.json"), (False, None)])
def test_no_report_is_written_in_check_mode_or_where_none_is_named(
    tmp_path: Path, checks: Checks, check_mode: bool, report: str | None
) -> None:
    assert _act(tmp_path, check_mode=check_mode, report=report)["report"]["total"] == 1
    assert not list(tmp_path.iterdir())


def test_a_check_that_fails_fails_the_module_after_the_report_is_written(tmp_path: Path, checks: Checks) -> None:
    def low() -> str:
        raise Unmet("79.9 %")

    checks.do("coverage", "at least 80 %", low)
    with pytest.raises(RollbackError, match=r"1 of 2 checks failed: coverage: 79\.9 %") as caught:
        _act(tmp_path)
    assert "ci-validate.yml again" in caught.value.hint
    assert caught.value.facts["report"] == json.loads((tmp_path / "r.json").read_text())


@pytest.mark.parametrize(
    ("params", "says"),
    [({"project_src": "/absent"}, "/absent is no directory"), ({"report": "absent/r.json"}, "absent is no directory")],
)
def test_directories_that_are_not_there_are_refused_before_anything_is_done(
    tmp_path: Path, params: dict[str, str], says: str
) -> None:
    with pytest.raises(RollbackError, match=says):
        _act(tmp_path, **params)
