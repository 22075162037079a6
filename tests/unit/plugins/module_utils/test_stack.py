# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _names, _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

MINIMAL = {"name": "udo", "project_src": "/opt/udo"}


def test_two_keys_describe_a_stack() -> None:
    stack = _stack.parse(MINIMAL)
    assert (stack.image_source, stack.config, stack.health_timeout, stack.checks) == ("auto", None, 60, ())
    assert stack.service("anything").cutover == "auto"


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_description_is_an_error_that_names_discover(nothing: Any) -> None:
    with pytest.raises(RollbackError, match="rollback_stack is not set") as caught:
        _stack.parse(nothing)
    assert "discover.yml" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name"),
        ({"name": "UDO"}, "rollback_stack.name"),
        ({"project_src": "udo"}, "not an absolute path: udo"),
        ({"project_src": None}, "project_src"),
        ({"image_source": "magic"}, "image_source"),
        ({"keep": "many"}, "keep"),
        ({"imagesource": "git"}, "imagesource"),
        ({"files": ["../x.yml"]}, r"rollback_stack.files may not leave its directory: '../x.yml'"),
        ({"config": ["/etc/passwd"]}, "rollback_stack.config may not leave"),
        ({"env_files": ["a/../../b"]}, "rollback_stack.env_files may not leave"),
        ({"services": {"web": {"check": []}}}, r"rollback_stack.services.web.*check"),
        ({"services": {"web": {"cutover": "maybe"}}}, "cutover"),
        ({"services": {"web": "yes"}}, "services.web must be a dictionary, not str"),
        ({"services": {"web": {"checks": [{}]}}}, r"checks\[0\].*url"),
        ({"services": {"web": {"checks": [{"url": "ftp://x"}]}}}, r"checks\[0\].url is not an HTTP URL: 'ftp://x'"),
        ({"services": {"web": {"checks": [{"url": "http://x"}, {"url": "file:///x"}]}}}, r"checks\[1\].url"),
        ({"services": {"web": {"checks": [{"url": "http://x", "method": "DELETE"}]}}}, "method"),
        ({"services": {"web": {"checks": [{"url": "http://u:p@x/"}]}}}, r"checks\[0\].url holds a user or password"),
        ({"mcp": {"url": "http://x"}}, "rollback_stack.mcp: .*token"),
        ({"mcp": {"url": "http://u:p@x", "token": "t"}}, "rollback_stack.mcp.url holds a user or password"),
        ({"mcp": {"url": "http://x", "token": "t", "tokne": "t"}}, "rollback_stack.mcp: .*tokne"),
        ({"mcp": "http://x"}, "mcp"),
    ],
)
def test_a_wrong_key_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _stack.parse({**MINIMAL, **change})


def test_a_description_that_is_no_dictionary_is_refused() -> None:
    with pytest.raises(RollbackError, match="rollback_stack must be a dictionary, not list"):
        _stack.parse(["udo"])  # type: ignore[arg-type]


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RollbackError) as caught:
        _stack.parse({**MINIMAL, "servcies": {}})
    assert "services" in caught.value.hint


def test_checks_get_names_and_defaults_and_keep_their_order() -> None:
    services = {
        "api": {"checks": [{"url": "http://a"}, {"url": "https://b", "name": "deep", "status": [204]}]},
        "web": {"checks": [{"url": "http://c"}]},
        "worker": None,
    }
    checks = _stack.parse({**MINIMAL, "services": services}).checks
    assert [(check.name, check.status) for check in checks] == [
        ("api-0", (200,)),
        ("deep", (204,)),
        ("web-0", (200,)),
    ]


def test_what_checks_send_as_headers_is_secret_unless_it_is_harmless() -> None:
    headers = {"Authorization": "Bearer t", "X-Key": 7, "Accept": "text/html", "content-type": "x", "X-Empty": ""}
    services = {"web": {"checks": [{"url": "http://x/mail@y", "headers": headers}]}}
    assert _stack.parse({**MINIMAL, "services": services}).secrets == {"Bearer t", "7"}


def test_the_snapshot_api_has_defaults_and_its_token_is_secret() -> None:
    assert _stack.parse(MINIMAL).mcp is None
    stack = _stack.parse({**MINIMAL, "mcp": {"url": "http://x", "token": "hunter2"}})
    assert stack.mcp is not None
    assert (stack.mcp.timeout, stack.secrets) == (60.0, {"hunter2"})
    assert "hunter2" not in repr(stack)


def test_an_error_about_a_url_does_not_repeat_its_password() -> None:
    with pytest.raises(RollbackError) as caught:
        _stack.parse({**MINIMAL, "services": {"web": {"checks": [{"url": "https://u:hunter2@x/"}]}}})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("env_files", "wanted"), [([], ".env"), (["a.env"], "a.env"), (["a.env", "b.env"], "b.env")])
def test_variables_are_set_in_the_file_that_wins(env_files: list[str], wanted: str) -> None:
    assert _stack.parse({**MINIMAL, "env_files": env_files}).variable_file == wanted


@pytest.mark.parametrize("path", ["./.env", "conf//app.ini", "conf/./app.ini"])
def test_a_path_is_kept_in_one_spelling_so_that_it_equals_the_manifests(path: str) -> None:
    stack = _stack.parse({**MINIMAL, "config": [path]})
    assert stack.config == (_names.relative_path(path, ""),)


SWARM = {"name": "shop", "engine": "swarm"}


def test_a_stack_of_a_swarm_needs_no_directory() -> None:
    services = {"web": {"depends_on": ["api"], "cutover": "stop_first", "checks": [{"url": "http://127.0.0.1/"}]}}
    stack = _stack.parse({**SWARM, "services": services, "project_name": "prod", "keep": 3})
    assert (stack.engine, stack.project_src, stack.project_name, stack.keep) == ("swarm", "", "prod", 3)
    assert stack.service("web").depends_on == ("api",)
    assert _stack.parse({"name": "shop", "project_src": "/opt/shop"}).engine == "compose"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"project_src": "/opt/shop"}, "cannot have project_src"),
        ({"postgres": []}, "cannot have postgres"),
        ({"sqlite": [], "mcp": {}, "config": []}, "cannot have config, mcp, sqlite"),
        ({"services": {"web": {"drain_command": ["true"]}}}, "cannot have services.web.drain_command"),
        ({"services": {"web": {"depends_on": ["web"]}}}, "no order exists, web needs web"),
        ({"services": {"web": "api"}}, "services.web must be a dictionary"),
    ],
)
def test_what_a_stack_of_a_swarm_cannot_have_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(RollbackError, match=told):
        _stack.parse({**SWARM, **more})


def test_an_order_is_for_a_swarm_only(build: Any) -> None:
    with pytest.raises(RollbackError, match=r"services\.web has depends_on, which is for engine swarm") as caught:
        build.stack(services={"web": {"depends_on": ["api"]}})
    assert "Compose file" in caught.value.hint
