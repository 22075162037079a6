# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's ``gh``, a client that nobody here wrote, takes the fake for GitHub, and what it does really happens."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.contract.conftest import TOKEN
from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub, Job, Outcome
from ansible_collections.tiered.rollback.tests.support import remote
from ansible_collections.tiered.rollback.tests.support.gh import environment as gh_environment

Gh = Callable[..., str]


@pytest.fixture
def gh(github: FakeGitHub, repo: Any, tmp_path: Path) -> Gh:
    """Run ``gh`` on acme/shop; it reaches the fake as its proxy."""
    environment = gh_environment(tmp_path, github, "acme/shop", TOKEN)

    def run(*arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["gh", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


def test_workflows_are_listed_disabled_and_enabled(gh: Gh, repo: Any) -> None:
    assert {line.split("\t")[0] for line in gh("workflow", "list").splitlines()} == {
        "CI",
        ".github/workflows/lint.yaml",
    }
    gh("workflow", "disable", "ci.yml")
    assert not repo.workflow("ci.yml").enabled
    assert "disabled_manually" in gh("workflow", "list", "--all")
    assert "disabled" in gh("workflow", "run", "ci.yml", "-f", "suite=fast", fails=True)
    gh("workflow", "enable", "ci.yml")
    assert repo.workflow("ci.yml").enabled


def test_a_run_is_begun_followed_and_its_artifact_downloaded(gh: Gh, repo: Any, tmp_path: Path) -> None:
    repo.outcome = lambda run: Outcome(
        "failure", 0.3, (Job("test", "failure", 0.2),), {"coverage": {"coverage.xml": "<coverage/>"}}
    )
    gh("workflow", "run", "ci.yml", "-f", "suite=full", "-f", "verbose=true")
    (run,) = repo.runs
    assert (run.inputs, run.head_branch) == ({"suite": "full", "verbose": "true"}, "main")
    assert "Required input" in gh("workflow", "run", "ci.yml", "--ref", "main", fails=True)
    end = time.monotonic() + 10
    while repo.runs[0].stage(time.time()).status != "completed":
        assert time.monotonic() < end
        time.sleep(0.05)

    (listed,) = json.loads(gh("run", "list", "--json", "databaseId,conclusion,status,headSha,workflowName"))
    assert (listed["databaseId"], listed["conclusion"], listed["workflowName"]) == (run.id, "failure", "CI")
    assert "test" in gh("run", "view", str(run.id))
    assert "test: failure" in gh("run", "view", str(run.id), "--log")
    gh("run", "download", str(run.id), "--name", "coverage", "--dir", str(tmp_path / "downloaded"))
    assert (tmp_path / "downloaded/coverage.xml").read_text() == "<coverage/>"


def test_a_run_is_cancelled_once(gh: Gh, repo: Any) -> None:
    run = repo.add_run(status="in_progress")
    gh("run", "cancel", str(run.id))
    assert run.cancel_asked is not None
    assert "Cannot cancel a workflow run that is completed" in gh("run", "cancel", str(run.id), fails=True)


def test_files_trees_and_refs_over_the_plain_interface(gh: Gh, bare: Path) -> None:
    content = "repos/{owner}/{repo}/contents/README.md"
    assert gh("api", content, "--jq", ".content | @base64d") == "Shop\n\n"
    tree = gh("api", "repos/acme/shop/git/trees/main?recursive=1", "--jq", '.tree[] | select(.type == "blob") | .path')
    assert "src/app.py" in tree.splitlines()
    head = remote.branches(bare)["main"]
    gh("api", "repos/acme/shop/git/refs", "-f", "ref=refs/heads/aside", "-f", f"sha={head}")
    assert remote.branches(bare)["aside"] == head
    runs = gh("api", "--paginate", "repos/acme/shop/commits?per_page=1", "--jq", ".[].sha")
    assert runs.split() == [head]


def test_pull_requests_over_graphql(gh: Gh, repo: Any, bare: Path) -> None:
    remote.commit(bare, {"x": "x"}, "x", "feature")
    repo.add_pull(number=7, head="feature", title="Change")
    assert gh("pr", "list").split("\t")[:3] == ["7", "Change", "feature"]
    query = 'query={repository(owner: "acme", name: "shop") {defaultBranchRef {target {oid}}}}'
    found = gh("api", "graphql", "-f", query, "--jq", ".data.repository.defaultBranchRef.target.oid")
    assert found.strip() == remote.branches(bare)["main"]


def test_pages_are_followed(gh: Gh, repo: Any) -> None:
    for second in range(5):
        repo.add_run(started=f"2026-11-20T10:00:0{second}Z")
    path = "repos/acme/shop/actions/runs?per_page=2"
    found = gh("api", "--paginate", path, "--jq", ".workflow_runs[].id").split()
    assert found == [str(run.id) for run in repo.runs]
