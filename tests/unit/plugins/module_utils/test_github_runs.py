# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _github_runs, _github_workflows
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.tests.support import github


def test_cancelling_what_has_ended_is_no_error(ci: Any) -> None:
    run = ci.repository.add_run()
    assert _github_runs.cancel(ci.client(), run.id) is False
    with pytest.raises(RollbackError, match="404"):
        _github_runs.cancel(ci.client(), 1)


def test_waiting_asks_again_at_no_cost_until_something_changed(ci: Any) -> None:
    ci.repository.outcome = lambda run: github.Outcome("success", 3.0)
    client = ci.client()
    number = _github_workflows.dispatch(client, "ci.yml", "main", {})
    assert _github_runs.wait(client, number, 20).conclusion == "success"
    assert 304 in [each.status for each in ci.github.exchanges]


def test_jobs_of_no_run_cost_nothing(ci: Any) -> None:
    assert _github_runs.jobs(ci.client(), []) == {}
    assert not ci.github.exchanges


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", ".github/workflows/ci.yml@main", ".github/workflows/ci.yml@refs/heads/a"]
)
def test_the_file_of_a_workflow_is_what_its_path_ends_with(path: str) -> None:
    assert _github_runs.file_name(path) == "ci.yml"


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda client: _github_runs.run(client, 5), "/actions/runs/5"),
        (lambda client: _github_workflows.workflow(client, "ci.yml"), "/actions/workflows/ci.yml"),
    ],
)
@pytest.mark.parametrize("answer", [b"[]", b'{"id": 1}', b'"x"'])
def test_an_answer_of_another_shape_is_told(site: Any, ci: Any, call: Any, path: str, answer: bytes) -> None:
    site.answers[f"/repos/acme/shop{path}"] = (200, answer)
    with pytest.raises(RollbackError, match="GitHub's API does not answer with"):
        call(ci.client(url=site.url))
