# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The validator catches what is wrong: each mutation of an exchange that passes is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.contract import contract
from ansible_collections.tiered.rollback.tests.contract.fake.shapes import complete

_REPO = "/repos/acme/shop"
_JSON = {"Content-Type": "application/json"}

Request = dict[str, Any]


def dispatch() -> Request:
    """A dispatch that asks for the run."""
    body = {"ref": "main", "inputs": {"suite": "fast"}, "return_run_details": True}
    return {"method": "POST", "target": f"{_REPO}/actions/workflows/ci.yml/dispatches", "body": body}


def tree() -> Request:
    """A tree with a file that comes and one that goes."""
    files = [
        {"path": "a", "mode": "100644", "type": "blob", "content": "x"},
        {"path": "b", "mode": "100644", "type": "blob", "sha": None},
    ]
    return {"method": "POST", "target": f"{_REPO}/git/trees", "body": {"base_tree": "1" * 40, "tree": files}}


def runs() -> Request:
    """A filtered list."""
    target = f"{_REPO}/actions/runs?status=in_progress&created=>=2026-11-20&per_page=100"
    return {"method": "GET", "target": target, "body": None}


def check(request: Request) -> contract.Operation:
    """Hold a request to the contract."""
    body = b"" if request["body"] is None else json.dumps(request["body"]).encode()
    return contract.check_request(request["method"], request["target"], _JSON if body else {}, body)


@pytest.mark.parametrize("request_", [dispatch(), tree(), runs()], ids=["dispatch", "tree", "runs"])
def test_the_requests_to_be_mutated_pass(request_: Request) -> None:
    check(request_)


def _in(key: str, value: Any) -> Callable[[Request], None]:
    return lambda request: request["body"].update({key: value})


def _target(old: str, new: str) -> Callable[[Request], None]:
    return lambda request: request.update(target=request["target"].replace(old, new))


@pytest.mark.parametrize(
    ("make", "mutate", "says"),
    [
        (dispatch, lambda request: request["body"].pop("ref"), "'ref' is a required property"),
        (dispatch, _in("ref", 7), "7 is not of type 'string'"),
        (dispatch, _in("input", {}), "'input' was unexpected"),
        (dispatch, _in("return_run_details", "yes"), "'yes' is not of type 'boolean'"),
        (dispatch, _in("inputs", {str(number): "x" for number in range(26)}), "too many properties"),
        (dispatch, lambda request: request.update(body=None), "Missing required request body"),
        (dispatch, lambda request: request.update(method="PUT"), "no such operation"),
        (dispatch, _target("dispatches", "dispatch"), "no such operation"),
        (dispatch, _target("dispatches", "dispatches?ref=main"), "unknown query parameters: ref"),
        (tree, lambda request: request["body"]["tree"][0].update(mode="644"), "'644' is not one of"),
        (tree, lambda request: request["body"]["tree"][0].update(text="x"), "'text' was unexpected"),
        (tree, lambda request: request["body"]["tree"][1].update(sha=1), "1 is not of type 'string'"),
        (tree, lambda request: request["body"].pop("tree"), "'tree' is a required property"),
        (runs, _target("status=in_progress", "status=running"), "'running' is not one of"),
        (runs, _target("per_page=100", "per_page=all"), "per_page"),
        (runs, _target("per_page", "limit"), "unknown query parameters: limit"),
        (runs, lambda request: request.update(body={}), "a body where none is described"),
        (runs, _target("/actions/runs", "/actions/run"), "no such operation"),
    ],
)
def test_a_wrong_request_is_caught(make: Callable[[], Request], mutate: Callable[[Request], object], says: str) -> None:
    request = make()
    mutate(request)
    with pytest.raises(contract.ContractError, match=says):
        check(request)


@pytest.mark.parametrize(
    ("target", "template", "name", "value"),
    [
        ("contents/.github/workflows/ci.yml?ref=main", "contents/{path}", "path", ".github/workflows/ci.yml"),
        ("contents/with%20blank/and%2Fslash", "contents/{path}", "path", "with blank/and/slash"),
        ("git/ref/heads/feature/x", "git/ref/{ref}", "ref", "heads/feature/x"),
        ("compare/main...feature/x", "compare/{basehead}", "basehead", "main...feature/x"),
        ("branches/feature/x", "branches/{branch}", "branch", "feature/x"),
        ("commits/feature/x", "commits/{ref}", "ref", "feature/x"),
    ],
)
def test_a_value_may_hold_slashes_at_the_end_of_a_path(target: str, template: str, name: str, value: str) -> None:
    operation = contract.check_request("GET", f"{_REPO}/{target}", {})
    assert operation.template == f"/repos/{{owner}}/{{repo}}/{template}"
    assert operation.values[name] == value


RUN = contract.find("GET", f"{_REPO}/actions/runs/1")


def run() -> dict[str, Any]:
    """A run in flight."""
    return complete("workflow-run", id=1, status="in_progress", conclusion=None)


def answer(body: Any, status: int = 200) -> None:
    """Hold an answer to the contract."""
    contract.check_answer(RUN, status, _JSON, json.dumps(body).encode())


def test_the_answer_to_be_mutated_passes() -> None:
    answer(run())
    answer({"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}, 404)
    contract.check_answer(RUN, 304, {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "1"}, "'1' is not of type 'integer'"),
        ({"conclusion": 3}, "3 is not of type 'string'"),
        ({"created_at": "yesterday"}, "'yesterday' is not a 'date-time'"),
        ({"head_sha": None}, "None for not nullable"),
        ({"state": "queued"}, "'state' was unexpected"),
        ({"repository": {"id": 1}}, "is a required property"),
        ({"pull_requests": {}}, "is not of type 'array'"),
    ],
)
def test_a_wrong_answer_is_caught(change: dict[str, Any], says: str) -> None:
    with pytest.raises(contract.ContractError, match=says):
        answer({**run(), **change})


@pytest.mark.parametrize("key", ["id", "status", "head_sha", "workflow_id", "html_url"])
def test_a_missing_key_of_an_answer_is_caught(key: str) -> None:
    body = run()
    del body[key]
    with pytest.raises(contract.ContractError, match=f"'{key}' is a required property"):
        answer(body)


@pytest.mark.parametrize(
    ("status", "headers", "body", "says"),
    [
        (204, {}, b"", "Unknown response http status"),
        (200, _JSON, b"", "Missing response data"),
        (200, _JSON, b"{", "deserialize"),
        (200, {"Content-Type": "text/html"}, b"<p>", "Content for the following mimetype not found"),
        (404, _JSON, b"{}", "'message' is a required property"),
        (502, _JSON, b'{"error": "x"}', "'message' is a required property"),
        (304, _JSON, b"{}", "a body where none is described"),
    ],
)
def test_a_wrong_status_body_or_content_type_is_caught(
    status: int, headers: dict[str, str], body: bytes, says: str
) -> None:
    with pytest.raises(contract.ContractError, match=says):
        contract.check_answer(RUN, status, headers, body)


def test_an_object_with_a_key_that_its_schema_lacks_is_not_built() -> None:
    with pytest.raises(KeyError, match="workflow-run has no state"):
        complete("workflow-run", state="queued")
