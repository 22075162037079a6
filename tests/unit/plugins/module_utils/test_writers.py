# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _stack, _writers

DEFINITION: dict[str, Any] = {
    "services": {
        "db": {"volumes": [{"type": "volume", "source": "pg", "target": "/var/lib/postgresql/data"}]},
        "api": {"depends_on": {"db": {"condition": "service_healthy"}}},
        "worker": {"depends_on": {"db": {}}, "volumes": [{"type": "volume", "source": "files", "target": "/app/data"}]},
        "mailer": {"volumes": [{"type": "volume", "source": "files", "target": "/mail"}]},
        "proxy": {"depends_on": {"api": {}}, "volumes": [{"type": "bind", "source": "/srv/www", "target": "/www"}]},
        "static": {"volumes": [{"type": "tmpfs", "target": "/tmp"}]},
    }
}


def _described(**raw: Any) -> Any:
    stack = _stack.parse({"name": "shop", "project_src": "/opt/shop", **{key: [value] for key, value in raw.items()}})
    return (stack.postgres or stack.sqlite)[0]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, ("api", "worker")),
        ({"container": "elsewhere"}, None),
        ({"writers": ["mailer"]}, ("mailer",)),
        ({"writers": []}, ()),
    ],
)
def test_writers_to_postgres_are_what_depends_on_its_service(
    build: Any, changes: dict[str, Any], wanted: tuple[str, ...] | None
) -> None:
    database = _described(postgres={"database": "shop", "container": "shop-db-1", **changes})
    assert _writers.of_postgres(database, DEFINITION, [build.container("db")]) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"path": "/app/data/shop.db", "service": "worker"}, ("mailer", "worker")),
        ({"path": "/elsewhere/shop.db", "service": "worker"}, ()),
        ({"path": "/app/data/shop.db", "service": "gone"}, ()),
        ({"path": "/srv/www/shop.db"}, ("proxy",)),
        ({"path": "/srv/wwwx/shop.db"}, ()),
        ({"path": "/srv/www/shop.db", "writers": ["api"]}, ("api",)),
    ],
)
def test_writers_to_sqlite_are_what_mounts_the_same(raw: dict[str, Any], wanted: tuple[str, ...]) -> None:
    assert _writers.of_sqlite(_described(sqlite=raw), DEFINITION) == wanted
