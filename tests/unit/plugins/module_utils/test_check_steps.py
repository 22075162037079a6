# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_steps
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _values(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "crud", "steps": list(steps), "cleanup": [], "variables": {}, **changes}


def _look(values: dict[str, Any]) -> Any:
    _check_steps.refuse(values, "checks[0]", None)  # type: ignore[arg-type]
    return _check_steps.look(values, None)  # type: ignore[arg-type]


def test_values_are_carried_from_one_request_to_the_next(site: Any) -> None:
    site.answers = {
        "/login": (200, b'{"a": {"token": "t-secret"}}', {"X-Csrf": "csrf-1"}),
        "/items/5%2F..%2Fx": (200, b'{"id": 5}'),
    }
    login = {
        "url": f"{site.url}/login",
        "method": "POST",
        "body": {"password": "${password}", "n": "${n}"},
        "capture": {"token": "a.token"},
        "capture_headers": {"csrf": "X-Csrf"},
    }
    read = {"url": f"{site.url}/items/${{item}}", "headers": {"Authorization": "Bearer ${token}", "X-Csrf": "${csrf}"}}
    found = _look(_values(login, read, variables={"password": "hunter2", "n": 7, "item": "5/../x"}))
    assert (found.ok, found.found) == (True, "2 steps")
    assert json.loads(site.asked[0].body) == {"password": "hunter2", "n": 7}
    assert site.asked[1].headers["Authorization"] == "Bearer t-secret"
    assert site.asked[1].headers["X-Csrf"] == "csrf-1"


def test_the_clean_up_is_done_after_a_failure_as_far_as_its_variables_are_known(site: Any) -> None:
    site.answers = {"/made": (201, b'{"id": 8}'), "/made/8": (204, b"")}
    make = {"url": f"{site.url}/made", "status": [201], "capture": {"id": "id"}}
    wrong = {"url": f"{site.url}/nope", "capture": {"other": "x"}}
    never = {"url": f"{site.url}/never"}
    cleanup = [
        {"url": f"{site.url}/made/${{other}}", "method": "DELETE"},
        {"url": f"{site.url}/made/${{id}}", "method": "DELETE", "status": [204]},
    ]
    found = _look(_values(make, wrong, never, cleanup=cleanup))
    assert not found.ok
    assert "step 2" in found.found
    assert "status 404" in found.found
    assert [(each.method, each.path) for each in site.asked] == [
        ("GET", "/made"),
        ("GET", "/nope"),
        ("DELETE", "/made/8"),
    ]


def test_a_captured_value_never_shows(site: Any) -> None:
    site.answers = {"/login": (200, b'{"token": "t-secret"}'), "/me": (200, b'{"echo": "t-secret"}')}
    login = {"url": f"{site.url}/login", "capture": {"token": "token"}}
    found = _look(_values(login, {"url": f"{site.url}/me", "json": {"echo": "other"}}))
    assert "***" in found.found
    assert "t-secret" not in found.found


def test_an_answer_without_what_is_captured_fails_that_step(site: Any) -> None:
    site.answers = {"/": (200, b"{}")}
    assert "JSON a.b, which is x, is missing" in _look(_values({"url": site.url, "capture": {"x": "a.b"}})).found
    assert "header Nope" in _look(_values({"url": site.url, "capture_headers": {"x": "Nope"}})).found


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"url": "http://x/${nope}"}, "nope"),
        ({"url": "http://x", "body": [{"a": "${nope}"}]}, "nope"),
        ({"url": "http://x", "headers": {"a": "${"}}, "which nothing before"),
        ({"url": "http://x", "capture": {"no name": "a"}}, "captures into"),
        ({"url": "http://x", "method": "BREW"}, "method"),
        ({"url": "file:///etc/passwd"}, "not an HTTP URL"),
        ({"uri": "http://x"}, "url"),
        ("http://x", "must be a dictionary"),
    ],
)
def test_wrong_steps_are_refused_before_any_is_taken(site: Any, step: Any, expected: str) -> None:
    with pytest.raises(RollbackError, match=expected):
        _look(_values({"url": site.url}, step))
    assert site.asked == []


def test_a_text_that_is_one_variable_keeps_its_type_and_others_become_text() -> None:
    filled = _check_steps.fill({"a": "${n}", "b": ["n=${n}", 1], "c": None}, {"n": 7})
    assert filled == {"a": 7, "b": ["n=7", 1], "c": None}
