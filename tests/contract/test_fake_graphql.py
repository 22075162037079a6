# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GraphQL side of the fake, over GitHub's own schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.tiered.rollback.tests.contract.conftest import CI, TOKEN, Ask
from ansible_collections.tiered.rollback.tests.contract.fake import FakeGitHub, Job
from ansible_collections.tiered.rollback.tests.support import remote

Query = Callable[..., dict[str, Any]]

FILES = """
query($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    defaultBranchRef { target { oid } }
    f0: object(expression: "main:.github/workflows/ci.yml") { ... on Blob { oid text isBinary isTruncated byteSize } }
    f1: object(expression: "main:absent") { ... on Blob { oid } }
    f2: object(expression: "main:.github/workflows") {
      oid
      ... on Tree { entries { name path type mode object { ... on Blob { text } } } }
    }
    pullRequests(states: [OPEN], first: 10) {
      totalCount
      nodes {
        number title url isDraft headRefName baseRefName
        commits(last: 1) { nodes { commit { statusCheckRollup { state } } } }
      }
    }
  }
}
"""
JOBS = """
query($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on WorkflowRun {
      id databaseId
      checkSuite { conclusion checkRuns(first: 50) { nodes { name conclusion startedAt completedAt databaseId } } }
    }
  }
}
"""


@pytest.fixture(params=["/graphql", "/api/graphql"])
def query(github: FakeGitHub, repo: Any, request: pytest.FixtureRequest) -> Query:
    """Ask as a client of either GitHub does."""

    def send(text: str, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        said = {"query": text, "variables": variables}
        found = requests.post(github.url + request.param, json=said, headers=headers, timeout=5)
        assert found.status_code == 200
        return dict(found.json())

    return send


def test_many_files_and_pull_requests_in_one_query(github: FakeGitHub, repo: Any, query: Query, bare: Path) -> None:
    remote.commit(bare, {"x": "x"}, "x", "feature")
    repo.add_pull(number=7, head="feature", base="main", title="Change", draft=True, rollup="FAILURE")

    found = query(FILES, owner="acme", name="shop")["data"]["repository"]

    assert found["defaultBranchRef"]["target"]["oid"] == remote.branches(bare)["main"]
    blob = found["f0"]
    assert (blob["text"], blob["byteSize"], blob["isBinary"], blob["isTruncated"]) == (CI, len(CI), False, False)
    assert found["f1"] is None
    folder = {entry["name"]: entry for entry in found["f2"]["entries"]}
    assert sorted(folder) == ["ci.yml", "ci.yml.backup", "lint.yaml"]
    assert folder["ci.yml.backup"]["object"] == {"text": "name: Old CI\n"}
    assert folder["ci.yml"]["path"] == ".github/workflows/ci.yml"
    assert (folder["ci.yml"]["type"], folder["ci.yml"]["mode"]) == ("blob", 0o100644)
    (pull,) = found["pullRequests"]["nodes"]
    assert (pull["number"], pull["isDraft"], pull["headRefName"], pull["baseRefName"]) == (7, True, "feature", "main")
    assert pull["commits"]["nodes"][0]["commit"]["statusCheckRollup"] == {"state": "FAILURE"}
    assert [each.path for each in github.exchanges] == ["/graphql"]


def test_the_jobs_of_many_runs_in_one_query(repo: Any, ask: Ask, query: Query) -> None:
    jobs = (Job("test", "failure", 1800), Job("lint", "success", 60))
    repo.add_run(conclusion="failure", started="2026-11-20T10:00:00Z", seconds=1900, jobs=jobs)
    repo.add_run(status="in_progress")
    listed = ask("GET", "/actions/runs").json()["workflow_runs"]

    going, failed = query(JOBS, ids=[run["node_id"] for run in listed])["data"]["nodes"]

    assert [going["databaseId"], failed["databaseId"]] == [run["id"] for run in listed]
    assert going["checkSuite"]["conclusion"] is None
    assert failed["checkSuite"]["conclusion"] == "FAILURE"
    by_name = {job["name"]: job for job in failed["checkSuite"]["checkRuns"]["nodes"]}
    assert by_name["test"]["conclusion"] == "FAILURE"
    assert by_name["lint"]["startedAt"] == "2026-11-20T10:00:00Z"
    assert by_name["lint"]["completedAt"] == "2026-11-20T10:01:00Z"


def test_what_is_absent_is_an_error_beside_the_data(query: Query) -> None:
    found = query(FILES, owner="acme", name="absent")
    assert found["data"] == {"repository": None}
    assert [(error["type"], error["path"]) for error in found["errors"]] == [("NOT_FOUND", ["repository"])]
    assert query(JOBS, ids=["WFR_1"])["data"] == {"nodes": [None]}


def test_checks_that_the_token_may_not_read_are_null_and_an_error_says_why(query: Query, repo: Any) -> None:
    run = repo.add_run(jobs=(Job("build", "success", 1.0), Job("test", "success", 1.0)))
    repo.checks_readable = False
    found = query(JOBS, ids=[f"WFR_{run.id}"])
    assert found["data"]["nodes"][0]["checkSuite"]["checkRuns"] == {"nodes": [None, None]}
    assert [error["type"] for error in found["errors"]] == ["FORBIDDEN", "FORBIDDEN"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{ repository(owner: "acme") { id } }', "of type 'String!' is required"),
        ('{ repository(owner: "acme", name: "shop") { stars } }', "Cannot query field 'stars'"),
        ("{ repository(", "Syntax Error"),
        ('{ repository(owner: "acme", name: "shop") { pullRequests { totalCount } } }', "first"),
    ],
)
def test_a_query_that_the_schema_refuses_breaks_the_contract(
    github: FakeGitHub, query: Query, text: str, says: str
) -> None:
    assert query(text)["errors"]
    (violation,) = github.violations
    assert says in violation
    github.violations.clear()


def test_used_up_queries_are_an_error_with_status_200(github: FakeGitHub, query: Query) -> None:
    github.primary_limit(reset_in=60)
    assert [error["type"] for error in query(JOBS, ids=[])["errors"]] == ["RATE_LIMITED"]
    assert [(each.path, each.status) for each in github.exchanges] == [("/graphql", 200)]


def test_a_variable_of_a_wrong_type_breaks_the_contract(github: FakeGitHub, query: Query) -> None:
    query(JOBS, ids=7.5)
    assert len(github.violations) == 1
    github.violations.clear()
