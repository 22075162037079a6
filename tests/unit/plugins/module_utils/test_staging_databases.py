# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _staging_databases
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

NAME = "drill-shop-20261120t100000z-000001"
PROJECT: dict[str, Any] = {
    "services": {
        "db": {"ports": [{"published": "6000", "target": 5432}]},
        "named": {"container_name": "the_db", "ports": [{"published": "6001", "target": 5432, "protocol": "tcp"}]},
        "dns": {"ports": [{"published": "5432", "target": 53, "protocol": "udp"}]},
    }
}
PORTS = {"tcp/6000": "tcp/61000", "tcp/6001": "tcp/61001", "udp/5432": "udp/61002"}


def servers(build: Any, without: tuple[str, ...] = (), **described: Any) -> dict[str, Any]:
    stack = build.stack(postgres=[{"database": "shop", **described}])
    containers = [build.container("db"), build.container("named", name="the_db"), build.container("later")]
    return _staging_databases.servers(stack.postgres, PROJECT, containers, without, NAME, PORTS)


@pytest.mark.parametrize(
    ("described", "service", "container", "host", "port"),
    [
        ({"container": "shop-db-1"}, "db", f"{NAME}-db-1", None, 5432),
        ({"container": "shop-db-1", "port": 5433}, "db", f"{NAME}-db-1", None, 5433),
        ({"container": "the_db"}, "named", f"{NAME}-the_db", None, 5432),
        ({"host": "localhost", "port": 6001}, "named", f"{NAME}-the_db", "127.0.0.1", 61001),
        ({"host": "127.0.0.1", "port": 6000, "container": "shop-db-1"}, "db", f"{NAME}-db-1", "127.0.0.1", 61000),
    ],
)
def test_a_server_of_the_project_has_one_in_the_copy(
    build: Any, described: dict[str, Any], service: str, container: str, host: str | None, port: int
) -> None:
    own = {"service": service, "container": container, "host": host, "port": port}
    assert servers(build, **described) == {"shop": own}


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({"host": "db.example", "port": 6000}, "at db.example:6000, which is no port that the stack's project"),
        ({"host": "127.0.0.1"}, "at 127.0.0.1:5432, which is no port that the stack's project"),
        ({"host": "/run/postgresql"}, "at /run/postgresql:5432, which is no port"),
        ({"host": "127.0.0.1", "port": 6001, "container": "shop-db-1"}, "which is not a port of container shop-db-1"),
        ({"host": "db.example", "container": "shop-db-1"}, "at db.example:5432, which is no port"),
        ({"container": "another"}, "in container another, which is not one of the stack's project"),
        # Deployed since: the restore point knows nothing of it.
        ({"container": "shop-later-1"}, "in container shop-later-1, which is not one"),
        ({"service_name": "shop"}, "known by libpq's service file alone"),
    ],
)
def test_any_other_server_is_refused_and_named(build: Any, described: dict[str, Any], told: str) -> None:
    with pytest.raises(RollbackError, match=f"PostgreSQL database shop is .*{told}") as caught:
        servers(build, **described)
    assert "a service of the stack's own Compose project" in caught.value.hint


def test_a_server_cannot_be_left_out(build: Any) -> None:
    with pytest.raises(RollbackError, match="service db is left out, and holds PostgreSQL database shop"):
        servers(build, ("db",), container="shop-db-1")
    stack = build.stack(sqlite=[{"path": "/data/x.db", "service": "web"}])
    with pytest.raises(RollbackError, match=r"web is left out, and holds SQLite database /data/x\.db"):
        _staging_databases.refuse_left_out(stack.sqlite, ["web"])
    _staging_databases.refuse_left_out(stack.sqlite, ["another"])


def test_the_copys_databases_are_told_by_every_address(build: Any) -> None:
    stack = build.stack(postgres=[{"name": "main", "database": "shop", "host": "localhost", "port": 6000}])
    places = {"main": {"service": "db", "container": f"{NAME}-db-1", "host": "127.0.0.1", "port": 61000}}
    assert _staging_databases.addresses(stack.postgres, places) == [f"{NAME}-db-1/shop", "127.0.0.1:61000/shop"]


def test_what_leads_to_productions_server_is_not_in_the_copys_description() -> None:
    raw = {"database": "shop", "host": "db", "service_name": "shop", "service_file": "/f", "writers": ["api"]}
    own = {"service": "db", "container": f"{NAME}-db-1", "host": None, "port": 5432}
    found = _staging_databases.postgres({**raw, "password": "hush"}, {"postgres": {"shop": own}})
    assert found == {
        "name": "shop",
        "database": "shop",
        "container": f"{NAME}-db-1",
        "port": 5432,
        "password": "hush",
        "writers": ["api"],
    }
