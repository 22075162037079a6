# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_command, _command
from ansible_collections.tiered.rollback.plugins.module_utils._command import CommandError
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _values(**changes: Any) -> dict[str, Any]:
    return {"command": ["look"], "service": "web", "exit_code": 0, "output": None, "timeout": 3.0, **changes}


def _subject(*containers: Any) -> Any:
    return SimpleNamespace(
        engine=SimpleNamespace(containers=lambda _project: list(containers)), now=SimpleNamespace(project="shop")
    )


@pytest.mark.parametrize(
    ("code", "printed", "changes", "expected"),
    [
        (0, "", {}, ""),
        (1, "", {}, "exit code 1"),
        (3, "", {"exit_code": 3}, ""),
        (0, "a\nall well\n", {"output": "^all w.ll$"}, ""),
        (0, "hunter2", {"output": "well"}, "1 lines"),
    ],
)
def test_exit_code_and_output_are_judged(code: int, printed: str, changes: dict[str, Any], expected: str) -> None:
    found = _check_command.judge(code, printed, _values(**changes))
    assert found.ok is not bool(expected)
    assert expected in found.found
    assert "hunter2" not in f"{found}"


def test_it_is_run_in_a_container_that_runs(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Any] = []

    def run(argv: list[str], **options: Any) -> str:
        ran.append(argv)
        raise CommandError("docker exec failed", "", code=7)

    monkeypatch.setattr(_command, "run", run)
    stopped, running = build.container(id="old", running=False), build.container(id="new")
    assert _check_command.look(_values(), _subject(stopped, running)).found == "exit code 7"
    assert ran == [["docker", "exec", "new", "look"]]
    with pytest.raises(RollbackError, match="no container of service web runs"):
        _check_command.look(_values(), _subject(stopped))


@pytest.mark.parametrize(("changes", "expected"), [({"command": []}, "is empty"), ({"output": "("}, "expression")])
def test_what_cannot_be_is_refused(build: Any, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(RollbackError, match=expected):
        _check_command.refuse(_values(**changes), "checks[0]", build.stack())
