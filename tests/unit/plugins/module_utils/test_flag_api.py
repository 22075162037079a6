# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _flag_api
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Flag


@pytest.fixture
def flag(site: Any) -> Flag:
    """A flag that an application keeps."""
    site.answers["/status"] = (200, b'{"features": {"ai": true}}')
    site.answers["/flags/ai"] = (200, b"{}")
    return Flag(
        name="AI",
        status_url=f"{site.url}/status",
        status_path="features.ai",
        api_url=f"{site.url}/flags/ai",
        api_method="POST",
        api_body={"enabled": "{value}"},
        headers={"Authorization": "Bearer hunter2"},
        timeout=0.5,
    )


def test_a_flag_is_read_where_the_application_tells_it(flag: Flag, build: Any, site: Any) -> None:
    described = {"status_url": flag.status_url, "status_path": flag.status_path}
    assert _flag_api.read(build.stack(flags={"AI": described}), ["AI"]) == {"AI": True}
    assert _flag_api.read(build.stack(), []) == {}


def test_a_flag_is_set_with_what_the_application_wants_to_be_sent(flag: Flag, site: Any) -> None:
    _flag_api.write(flag, False)
    (asked,) = site.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/flags/ai", {"enabled": False})
    assert asked.headers["Authorization"] == "Bearer hunter2"


@pytest.mark.parametrize("answer", [(500, b"oops"), (404, b""), (401, b"who are you"), (302, b"")])
def test_an_application_that_does_not_say_yes_is_an_error_without_the_token(
    flag: Flag, site: Any, answer: tuple[int, bytes]
) -> None:
    site.answers["/flags/ai"] = answer
    with pytest.raises(RollbackError, match=f"flag AI as described: status {answer[0]}") as caught:
        _flag_api.write(flag, False)
    assert "hunter2" not in str(caught.value)
    assert "rollback_stack.flags.AI" in caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [(200, b"<html>"), (200, b"{}"), (200, b'{"features": {"ai": null}}'), (500, b'{"features": {"ai": true}}')],
)
def test_an_answer_without_the_value_is_an_error(flag: Flag, site: Any, build: Any, answer: tuple[int, bytes]) -> None:
    site.answers["/status"] = answer
    described = {"status_url": flag.status_url, "status_path": flag.status_path}
    with pytest.raises(RollbackError, match="does not answer for flag AI"):
        _flag_api.read(build.stack(flags={"AI": described}), ["AI"])


def test_an_application_that_is_gone_is_an_error(flag: Flag, build: Any) -> None:
    gone = {"status_url": "http://127.0.0.1:9/", "status_path": "a"}
    with pytest.raises(RollbackError, match="ConnectionError"):
        _flag_api.read(build.stack(flags={"AI": gone}), ["AI"])
    with pytest.raises(RollbackError, match="ConnectionError"):
        _flag_api.write(Flag(name="AI", api_url="http://127.0.0.1:9/"), True)


def test_the_check_of_a_flag_asks_for_its_value(flag: Flag) -> None:
    check = _flag_api.check(flag, False)
    assert check is not None
    assert (check.name, check.url, check.json) == ("flag AI", flag.status_url, {"features.ai": False})
    assert _flag_api.check(Flag(name="AI"), False) is None
