# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _github_workflows
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def test_two_runs_started_at_once_are_not_guessed_between(ci: Any) -> None:
    ci.github.run_details = False
    client = ci.client()
    send = client.send

    def twice(*arguments: Any, **options: Any) -> Any:
        send(*arguments, **options)
        return send(*arguments, **options)

    client.send = twice
    with pytest.raises(RollbackError, match=r"2 runs of ci\.yml on main were started at the same time"):
        _github_workflows.dispatch(client, "ci.yml", "main", {})


def test_a_run_that_never_appears_is_waited_for_and_told(ci: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_github_workflows, "_APPEARS", 0.5)
    client = ci.client()
    client.send = lambda *_arguments, **_options: None
    with pytest.raises(RollbackError, match="no run of it appeared"):
        _github_workflows.dispatch(client, "ci.yml", "main", {})


def test_inputs_become_the_texts_that_github_takes() -> None:
    given = {"a": True, "b": 3, "c": 1.5, "d": "x"}
    assert _github_workflows.inputs(given) == {"a": "true", "b": "3", "c": "1.5", "d": "x"}
    with pytest.raises(RollbackError, match="inputs e must be texts"):
        _github_workflows.inputs({"e": None})
