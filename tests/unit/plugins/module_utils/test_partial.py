# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _partial
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._partial import Request

SERVICES = ["api", "mcp-files", "mcp-git", "web"]


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["web", "api"], ("web", "api")),
        (["mcp-*"], ("mcp-files", "mcp-git")),
        (["mcp-*", "mcp-git"], ("mcp-files", "mcp-git")),
        (["?eb"], ("web",)),
        ([], ()),
    ],
)
def test_names_and_patterns_mean_services(patterns: list[str], wanted: tuple[str, ...]) -> None:
    assert _partial.services(patterns, SERVICES) == wanted


@pytest.mark.parametrize("pattern", ["ap", "API", "mcp", "x*", ""])
def test_a_name_that_means_nothing_is_refused_with_what_there_is(pattern: str) -> None:
    with pytest.raises(RollbackError, match="no service of this stack") as caught:
        _partial.services(["web", pattern], SERVICES)
    assert caught.value.hint == "Its services: api, mcp-files, mcp-git, web."


def test_what_came_as_text_is_read_as_what_it_means() -> None:
    flags = {"A": "False", "B": "true", "C": "12", "D": "beta", "E": True, "F": 3, "G": "01x"}
    wanted = {"A": False, "B": True, "C": 12, "D": "beta", "E": True, "F": 3, "G": "01x"}
    assert _partial.parse([], flags, None, []).flags == wanted


@pytest.mark.parametrize("flags", [{"A B": True}, {"1A": True}, {"": True}, {"A": [1]}, {"A": None}, {"A": 1.5}])
def test_a_flag_that_cannot_be_one_is_refused(flags: dict[str, Any]) -> None:
    with pytest.raises(RollbackError, match="cannot be"):
        _partial.parse([], flags, None, [])


def test_a_request_is_empty_where_the_whole_stack_is_meant() -> None:
    assert not Request(keep=("web",))
    assert Request(components=("web",))
    assert Request(flags={"A": False})
    assert Request(config="newest")


@pytest.mark.parametrize(
    ("request_", "names", "wanted"),
    [
        (Request(), ("api",), "api-v0.9.0"),
        (Request(), ("a", "b", "c"), "3-services-v0.9.0"),
        (Request(flags={"AI": False}), (), "ai-false"),
        (Request(config="newest"), (), "config"),
        (Request(flags={"AI": "a b/c"}, config="x"), ("api",), "api-v0.9.0-ai-a_b_c-config"),
        (Request(flags={"A" * 90: True}), (), "a" * 40),
    ],
)
def test_a_part_has_a_name_that_a_version_can_have(request_: Request, names: tuple[str, ...], wanted: str) -> None:
    assert _partial.label(request_, names, "v0.9.0") == wanted


def test_a_variable_is_a_services_own_where_nothing_else_is_made_of_it() -> None:
    template = {
        "services": {
            "api": {"image": "api:${API}", "environment": {"S": "${SHARED}", "N": "${NETWORK}"}},
            "web": {"image": "web:${SHARED}"},
        },
        "networks": {"front": {"name": "${NETWORK:-x}"}},
    }
    assert _partial.own_variables(template, ["api"]) == {"API"}
    assert _partial.own_variables(template, ["api", "web"]) == {"API", "SHARED"}


def test_a_file_is_a_services_own_where_nothing_else_reads_it() -> None:
    template: dict[str, Any] = {
        "services": {"api": {"env_file": ["api.env", "both.env"]}, "web": {"env_file": ["both.env"]}}
    }
    mount = {"type": "bind", "source": "/opt/shop/conf", "target": "/etc/api"}
    definition = {"services": {"api": {"volumes": [mount]}, "web": {}}}
    paths = ["api.env", "both.env", "conf/settings", "compose.yml"]
    found = _partial.own_files(template, definition, "/opt/shop", ["api"], paths)
    assert found == ["api.env", "conf/settings"]


def test_an_image_name_that_a_neighbour_runs_by_is_not_moved() -> None:
    definition = {"services": {"api": {"image": "shop"}, "worker": {"image": "shop:latest"}, "db": {}}}
    with pytest.raises(RollbackError, match=r"service worker has the same image name .* \(shop:latest\)") as caught:
        _partial.refuse_shared_images(["api"], definition, ["shop:latest"])
    assert "component=api,worker" in caught.value.hint
    _partial.refuse_shared_images(["api", "worker"], definition, ["shop:latest"])
    _partial.refuse_shared_images(["api"], definition, [])


def test_a_service_that_compose_restarts_with_another_must_be_named_too() -> None:
    depends = {"api": {"condition": "service_started", "restart": True}}
    definition = {"services": {"api": {}, "web": {"depends_on": depends}}}
    with pytest.raises(RollbackError, match="Compose restarts web when api is replaced"):
        _partial.refuse_restarted(["api"], definition)
    _partial.refuse_restarted(["api", "web"], definition)
    depends["api"]["restart"] = False
    _partial.refuse_restarted(["api"], definition)


def test_what_is_stated_to_be_kept_is_not_touched() -> None:
    with pytest.raises(RollbackError, match="web would be touched"):
        _partial.refuse_kept({"api", "web"}, ["web", "db"])
    _partial.refuse_kept({"api"}, ["web"])
