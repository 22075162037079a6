# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _stack, _staging_stack

NAME = "drill-shop-20261120t100000z-000001"
PLAN: dict[str, Any] = {
    "name": NAME,
    "project_src": "/s/project",
    "services": ["web"],
    "ports": {"tcp/8000": "tcp/61000"},
    "sqlite": {"shop.db": "/s/tree/0/shop.db"},
    "postgres": {"shop": {"service": "db", "container": f"{NAME}-db-1", "host": None, "port": 5432}},
    "images": {"web": "sha256:1"},
}
RAW: dict[str, Any] = {
    "name": "shop",
    "project_src": "/opt/shop",
    "registry": "registry.example/shop",
    "services": {
        "web": {
            "checks": [
                {"url": "http://127.0.0.1:8000/ok", "headers": {"Authorization": "Bearer x"}},
                {"url": "https://shop.example/ok"},
                {"url": "http://127.0.0.1:9999/other"},
            ],
            "drain_command": ["drain-production"],
            "attach_command": ["attach-production"],
            "settle": 1,
        },
        "left_out": None,
    },
    "postgres": [{"database": "shop", "container": "shop-db-1", "password": "of both"}],
    "sqlite": [{"path": "/opt/shop/shop.db"}, {"path": "/data/x.db", "service": "web", "name": "x"}],
    "flags": {"ai": {"api_url": "http://127.0.0.1:8000/flags/ai"}},
    "mcp": {"url": "http://127.0.0.1:8082", "token": "t"},
    "github": {"repository": "a/b", "token": "t"},
    "health_timeout": 7,
}


def test_a_copy_is_described_by_its_own_names_and_speaks_to_nobody_else() -> None:
    stack = _stack.parse(_staging_stack.describe(RAW, PLAN))
    assert (stack.name, stack.project_name, stack.project_src) == (NAME, NAME, "/s/project")
    assert (stack.registry, stack.mcp, stack.github, dict(stack.flags)) == (None, None, None, {})
    (server,) = stack.postgres
    assert (server.container, server.host, server.port, server.password) == (f"{NAME}-db-1", None, 5432, "of both")
    assert list(stack.services) == ["web"]
    assert stack.service("web").drain_command == stack.service("web").attach_command == ()
    (check,) = stack.checks
    assert check.url == "http://127.0.0.1:61000/ok"
    assert check.headers == {"Authorization": "Bearer x"}
    assert [(each.name, each.path, each.service) for each in stack.sqlite] == [
        ("shop.db", "/s/tree/0/shop.db", None),
        ("x", "/data/x.db", "web"),
    ]
    assert (stack.health_timeout, stack.image_source, stack.config) == (7, "retag", ("compose.yml",))


def test_checks_that_lead_elsewhere_are_told() -> None:
    assert _staging_stack.unasked(RAW, PLAN) == ["http://127.0.0.1:9999/other", "https://shop.example/ok"]


@pytest.mark.parametrize(
    ("url", "moved"),
    [
        ("http://localhost:8000/a?b=1", "http://127.0.0.1:61000/a?b=1"),
        ("http://[::1]:8000/", "http://127.0.0.1:61000/"),
        ("http://10.0.0.1:8000/", None),
        ("http://127.0.0.1/", None),
        ("http://127.0.0.1:nonsense/", None),
    ],
)
def test_only_a_port_of_the_stack_on_this_host_is_moved(url: str, moved: str | None) -> None:
    assert _staging_stack.moved_url(url, PLAN["ports"]) == moved


def test_images_have_the_copys_names() -> None:
    assert _staging_stack.images(PLAN) == {f"{NAME}/web:drill": "sha256:1"}
    assert _staging_stack.root("/state/shop", NAME) == f"/state/shop/drill/{NAME}"
