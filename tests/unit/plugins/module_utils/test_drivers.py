# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _drivers
from ansible_collections.tiered.rollback.plugins.module_utils._postgres import PostgresDatabase
from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase


def test_databases_of_postgresql_come_first_each_with_its_exchange(build: Any) -> None:
    described = {"sqlite": [{"path": "/srv/a.db"}], "postgres": [{"database": "shop", "host": "h"}]}
    found = _drivers.of_stack(build.stack(**described), None, "shop")  # type: ignore[arg-type]
    assert [type(database) for database, _exchange in found] == [PostgresDatabase, SqliteDatabase]
    assert [exchange.__module__.rpartition(".")[2] for _database, exchange in found] == ["_postgres", "_sqlite"]


def test_a_stack_without_databases_asks_no_engine(swarmed: Any) -> None:
    assert _drivers.of(swarmed.deployment.context(), "shop") == []
