# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all of the fake's interface has in common: tokens, pages, ETags, limits, faults, and the contract."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.tiered.rollback.tests.contract.conftest import TOKEN, Ask
from ansible_collections.tiered.rollback.tests.contract.fake import Exchange, FakeGitHub

REPO = "/repos/acme/shop"


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"token {TOKEN}"])
@pytest.mark.parametrize("prefix", ["", "/api/v3"])
def test_a_token_is_sent_in_either_form_and_enterprise_has_a_prefix(
    github: FakeGitHub, repo: Any, header: str, prefix: str
) -> None:
    headers = {"Authorization": header, "X-GitHub-Api-Version": "2022-11-28", "Accept": "application/vnd.github+json"}
    found = requests.get(f"{github.url}{prefix}{REPO}", headers=headers, timeout=5)
    assert (found.status_code, found.json()["default_branch"]) == (200, "main")
    assert found.json()["url"] == f"{github.url}{prefix}{REPO}"
    assert github.exchanges == [Exchange("GET", REPO, 200)]


@pytest.mark.parametrize(
    ("header", "message"), [({}, "Requires authentication"), ({"Authorization": "Bearer wrong"}, "Bad credentials")]
)
def test_without_the_token_there_is_nothing(
    github: FakeGitHub, repo: Any, header: dict[str, str], message: str
) -> None:
    for path in (REPO, "/rate_limit", "/repos/acme/absent"):
        found = requests.get(github.url + path, headers=header, timeout=5)
        assert (found.status_code, found.json()["message"]) == (401, message)
    found = requests.post(f"{github.url}/graphql", headers=header, json={"query": "{rateLimit{cost}}"}, timeout=5)
    assert found.status_code == 401


def test_an_unknown_repository_is_not_found(github: FakeGitHub) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert requests.get(f"{github.url}/repos/acme/absent", headers=headers, timeout=5).status_code == 404


def test_lists_come_in_pages_that_link_to_each_other(repo: Any, ask: Ask) -> None:
    runs = [repo.add_run(started=f"2026-11-20T10:00:0{number}Z").id for number in range(5)]
    found, response = [], ask("GET", "/actions/runs", params={"per_page": 2, "branch": "main"})
    while True:
        assert response.json()["total_count"] == 5
        found += [run["id"] for run in response.json()["workflow_runs"]]
        if "next" not in response.links:
            break
        assert "page=3" in response.links["last"]["url"]
        response = ask("GET", response.links["next"]["url"].split(REPO)[1])
    assert found == runs[::-1]
    assert response.links["first"]["url"].endswith("page=1")
    assert "Link" not in ask("GET", "/actions/runs").headers


def test_what_has_not_changed_is_304_and_free(github: FakeGitHub, repo: Any, ask: Ask) -> None:
    first = ask("GET", "/actions/runs")
    same = ask("GET", "/actions/runs", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    repo.add_run()
    changed = ask("GET", "/actions/runs", headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json()["total_count"]) == (200, 1)
    assert changed.headers["X-RateLimit-Remaining"] != first.headers["X-RateLimit-Remaining"]
    assert [each.status for each in github.exchanges] == [200, 304, 200]


def test_a_fault_strikes_as_often_as_told(github: FakeGitHub, ask: Ask) -> None:
    github.fail("GET", r"/repos/.*/git/trees/main", status=502, times=2, headers={"Retry-After": "1"}, message="oops")
    found = [ask("GET", "/git/trees/main") for _unused in range(3)]
    assert [each.status_code for each in found] == [502, 502, 200]
    assert (found[0].headers["Retry-After"], found[0].json()["message"]) == ("1", "oops")
    assert ask("GET", "/git/ref/heads/main").status_code == 200


def test_an_answer_may_be_lost_after_the_action(github: FakeGitHub, repo: Any, ask: Ask) -> None:
    body = {"ref": "main", "inputs": {"suite": "fast"}}
    github.fail("POST", r"/repos/.*/dispatches", status=502, before=False)
    assert ask("POST", "/actions/workflows/ci.yml/dispatches", json=body).status_code == 502
    assert len(repo.runs) == 1
    github.fail("POST", r"/repos/.*/dispatches", status=0, before=False)
    with pytest.raises(requests.ConnectionError):
        ask("POST", "/actions/workflows/ci.yml/dispatches", json=body)
    assert len(repo.runs) == 2
    github.fail("POST", r"/repos/.*/dispatches", status=0)
    with pytest.raises(requests.ConnectionError):
        ask("POST", "/actions/workflows/ci.yml/dispatches", json=body)
    assert len(repo.runs) == 2
    assert [each.status for each in github.exchanges] == [502, 0, 0]


def test_limits_say_when_to_come_back(github: FakeGitHub, ask: Ask) -> None:
    github.secondary_limit(r"/repos/.*", times=1, retry_after=1)
    limited = ask("GET", "/git/ref/heads/main")
    assert (limited.status_code, limited.headers["Retry-After"]) == (403, "1")
    assert "secondary rate limit" in limited.json()["message"]
    assert ask("GET", "/git/ref/heads/main").status_code == 200
    github.primary_limit(reset_in=3600)
    exhausted = ask("GET", "/git/ref/heads/main")
    assert (exhausted.status_code, exhausted.headers["X-RateLimit-Remaining"]) == (403, "0")
    assert 3500 < int(exhausted.headers["X-RateLimit-Reset"]) - time.time() <= 3600
    headers = {"Authorization": f"Bearer {TOKEN}"}
    left = requests.get(f"{github.url}/rate_limit", headers=headers, timeout=5).json()["resources"]["core"]
    assert (left["remaining"], str(left["reset"])) == (0, exhausted.headers["X-RateLimit-Reset"])
    github.primary_limit(reset_in=0)
    assert ask("GET", "/git/ref/heads/main").status_code == 200


def test_a_missing_permission_is_named(github: FakeGitHub, repo: Any, ask: Ask) -> None:
    github.forbid(r"POST /repos/.*/dispatches", permissions="actions=write")
    body = {"ref": "main", "inputs": {"suite": "fast"}}
    for _unused in range(2):
        found = ask("POST", "/actions/workflows/ci.yml/dispatches", json=body)
        assert (found.status_code, found.json()["message"]) == (
            403,
            "Resource not accessible by personal access token",
        )
        assert found.headers["X-Accepted-GitHub-Permissions"] == "actions=write"
    assert repo.runs == []


def test_an_answer_takes_the_latency_that_was_asked_for(github: FakeGitHub, ask: Ask) -> None:
    github.latency = 0.2
    begin = time.monotonic()
    ask("GET", "")
    assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize(
    ("method", "path", "options", "says"),
    [
        ("POST", "/actions/workflows/ci.yml/dispatches", {"json": {"inputs": {}}}, "'ref' is a required property"),
        ("GET", "/actions/runs?state=queued", {}, "unknown query parameters: state"),
        ("GET", "/actions/secrets", {}, "no such operation"),
        ("GET", "/actions/runs?actor=octocat", {}, "does not heed actor"),
    ],
)
def test_leaving_the_fake_names_what_broke_the_contract(
    bare: Path, method: str, path: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        _ask_once(bare, method, path, options)


def _ask_once(bare: Path, method: str, path: str, options: dict[str, Any]) -> None:
    with FakeGitHub(token=TOKEN) as github:
        github.add_repository("acme/shop", bare=bare)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        found = requests.request(method, github.url + REPO + path, headers=headers, timeout=5, **options)
        assert found.status_code in (422, 500)
