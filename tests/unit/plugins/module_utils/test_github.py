# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _github, _http
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._http import HttpError
from ansible_collections.tiered.rollback.tests.support import github


@pytest.mark.parametrize("prefix", ["", "/api/v3"])
def test_github_and_github_enterprise_are_asked_at_their_paths(ci: Any, prefix: str) -> None:
    client = ci.client(url=f"{ci.github.url}{prefix}")
    assert client.get("")["full_name"] == github.NAME
    query = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { name } }"
    assert client.graphql(query, {"owner": "acme", "name": "shop"}) == {"repository": {"name": "shop"}}


def test_what_did_not_change_since_is_not_sent_again(ci: Any) -> None:
    client = ci.client()
    first = client.get("/branches/main")
    assert client.get("/branches/main") == first
    assert [each.status for each in ci.github.exchanges] == [200, 304]
    ci.project.push({"x": "x"}, "new")
    assert client.get("/branches/main") != first


def test_a_list_is_read_page_by_page_and_no_further_than_asked(ci: Any) -> None:
    for _number in range(120):
        ci.repository.add_run()
    client = ci.client()
    assert len(client.pages("/actions/runs", "workflow_runs", 1000)) == 120
    assert len(ci.github.exchanges) == 2
    assert len(client.pages("/actions/runs", "workflow_runs", 30)) == 30
    assert len(ci.github.exchanges) == 3


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_stumbles_is_asked_again(ci: Any, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "_BACKOFF", 0.01)
    ci.github.fail("GET", r"/repos/.*", status=status, times=2)
    assert ci.client().get("")["full_name"] == github.NAME
    assert [each.status for each in ci.github.exchanges] == [status, status, 200]


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_that_breaks_is_made_anew_for_what_may_be_repeated(ci: Any, before: bool) -> None:
    for method, path in (("GET", "/repos/.*"), ("POST", "/graphql"), ("PATCH", ".*/git/refs/heads/main")):
        ci.github.fail(method, path, status=0, times=1, before=before)
    client = ci.client()
    assert client.get("")["full_name"] == github.NAME
    assert client.graphql("{ rateLimit { cost } }", {}) == {"rateLimit": {"cost": 1}}
    body = {"sha": ci.project.head(), "force": False}
    assert client.send("PATCH", "/git/refs/heads/main", body, repeatable=True)["ref"] == "refs/heads/main"


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_that_breaks_may_have_started_something(ci: Any, before: bool) -> None:
    ci.github.fail("POST", r"/repos/.*/dispatches", status=0, times=1, before=before)
    with pytest.raises(RollbackError, match="failed") as caught:
        ci.client().send("POST", "/actions/workflows/ci.yml/dispatches", {"ref": "main"})
    assert "may have been done" in caught.value.hint
    assert len(ci.repository.runs) == (0 if before else 1)


def test_what_starts_something_is_not_asked_again(ci: Any) -> None:
    ci.github.fail("POST", r"/repos/.*/dispatches", status=502, times=1)
    with pytest.raises(HttpError, match="502"):
        ci.client().send("POST", "/actions/workflows/ci.yml/dispatches", {"ref": "main"})
    assert len(ci.github.exchanges) == 1


def test_a_secondary_rate_limit_is_waited_out_by_every_request(ci: Any) -> None:
    ci.github.secondary_limit(r"/repos/.*", times=1, retry_after=1)
    begun = time.monotonic()
    ci.client().send("POST", "/actions/workflows/ci.yml/dispatches", {"ref": "main"})
    assert time.monotonic() - begun >= 1
    assert len(ci.repository.runs) == 1


def test_a_secondary_rate_limit_that_lasts_says_how_long(ci: Any) -> None:
    ci.github.secondary_limit(r"/repos/.*", times=9, retry_after=3600)
    with pytest.raises(HttpError, match="too many requests at once") as caught:
        ci.client().get("")
    assert "in 3600 s" in caught.value.hint


@pytest.mark.parametrize(
    "ask", [lambda client: client.get(""), lambda client: client.graphql("{ rateLimit { cost } }", {})]
)
def test_a_rate_limit_that_is_used_up_says_until_when(ci: Any, ask: Any) -> None:
    ci.github.primary_limit(reset_in=3600)
    with pytest.raises(RollbackError, match=r"used up until \d\d:\d\d:\d\d UTC") as caught:
        ask(ci.client())
    assert "another token" in caught.value.hint
    assert len(ci.github.exchanges) == 1


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("/branches/none", "404", "does not exist in acme/shop, or the token may not see it"),
        ("/git/trees/none", "404", "does not exist"),
    ],
)
def test_what_is_not_there_says_so(ci: Any, path: str, message: str, hint: str) -> None:
    with pytest.raises(HttpError, match=message) as caught:
        ci.client().get(path)
    assert hint in caught.value.hint


def test_a_wrong_token_is_told_and_never_shown(ci: Any) -> None:
    with pytest.raises(HttpError, match=r"\(401\): Bad credentials") as caught:
        ci.client(token="ghp_wronghunter2").get("")
    assert "wrong or has expired" in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({"X-Accepted-GitHub-Permissions": "contents=write"}, "permission contents: write"),
        ({"X-Accepted-OAuth-Scopes": "repo", "X-OAuth-Scopes": "gist"}, "one of the scopes repo; it has gist"),
        ({}, "may not do this"),
    ],
)
def test_a_token_that_may_not_is_told_what_it_lacks(ci: Any, headers: dict[str, str], hint: str) -> None:
    ci.github.fail("GET", r"/repos/.*", status=403, times=1, headers=headers, message="Resource not accessible")
    with pytest.raises(HttpError, match="Resource not accessible") as caught:
        ci.client().get("")
    assert hint in caught.value.hint


def test_an_archive_is_fetched_without_the_token(ci: Any) -> None:
    run = ci.repository.add_run(artifacts={"report": {"a.xml": "<a/>"}})
    (artifact,) = (each for each in ci.repository.artifacts if each.run is run)
    assert ci.client().download(f"/actions/artifacts/{artifact.id}/zip").startswith(b"PK")
    # The fake's storage counts a token that arrives there as a violation, which fails the fixture.
    assert len(ci.github.exchanges) == 1


def test_a_query_that_github_refuses_says_why(ci: Any) -> None:
    query = 'query($name: String!) { repository(owner: "acme", name: $name) { name } }'
    with pytest.raises(RollbackError, match="GraphQL") as caught:
        ci.client().graphql(query, {"name": "nothing"})
    assert "token may read" in caught.value.hint


@pytest.mark.parametrize("content", [b"<html>login</html>", b'"text"', b"[]"])
def test_a_server_that_is_not_github_is_told(site: Any, ci: Any, content: bytes) -> None:
    site.answers["/repos/acme/shop/actions/runs?per_page=5&page=1"] = (200, content)
    site.answers["/graphql"] = (200, content)
    client = ci.client(url=site.url)
    with pytest.raises(RollbackError, match=r"no JSON|GitHub's API does not"):
        client.pages("/actions/runs", "workflow_runs", 5)
    with pytest.raises(RollbackError, match=r"GitHub's API does not"):
        client.graphql("query { viewer { login } }", {})


def test_a_segment_of_a_path_is_one(ci: Any) -> None:
    assert _github.segment("feature/x y") == "feature%2Fx%20y"
