# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _stack
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

MINIMAL = {"name": "shop", "project_src": "/opt/shop"}
POSTGRES = {"database": "shop", "container": "shop_db"}


def _postgres(**changes: Any) -> Any:
    return _stack.parse({**MINIMAL, "postgres": [{**POSTGRES, **changes}]}).postgres[0]


def _sqlite(**changes: Any) -> Any:
    return _stack.parse({**MINIMAL, "sqlite": [{"path": "/data/shop.db", **changes}]}).sqlite[0]


def test_of_a_postgres_database_name_and_place_are_enough() -> None:
    found = _postgres()
    assert (found.name, found.database, found.container, found.port) == ("shop", "shop", "shop_db", 5432)
    assert (found.user, found.format, found.jobs) == ("postgres", "directory", 2)
    assert found.writers is None


def test_of_an_sqlite_database_its_path_is_enough() -> None:
    found = _sqlite()
    assert (found.name, found.path, found.service, found.writers) == ("shop.db", "/data/shop.db", None, None)


def test_what_is_said_of_writers_is_kept() -> None:
    assert _postgres(writers=["api"]).writers == ("api",)
    assert _sqlite(writers=[]).writers == ()


def test_a_password_shows_nowhere_and_counts_as_a_secret() -> None:
    assert "hunter2" not in repr(_postgres(password="hunter2"))
    stack = _stack.parse({**MINIMAL, "postgres": [{**POSTGRES, "password": "hunter2"}]})
    assert "hunter2" in stack.secrets


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"postgres": [{"container": "x"}]}, r"postgres\[0\]: missing required arguments: database"),
        ({"postgres": [{"database": "x"}]}, r"postgres\[0\] says neither container nor host"),
        ({"postgres": [{**POSTGRES, "jobs": 0}]}, r"jobs must be at least 1"),
        ({"postgres": [{**POSTGRES, "format": "plain"}]}, r"value of format must be one of"),
        ({"postgres": [{**POSTGRES, "name": "../x"}]}, r"name of a database has an unsafe"),
        ({"postgres": [POSTGRES, POSTGRES]}, r"two databases of rollback_stack are called shop"),
        ({"postgres": [POSTGRES], "sqlite": [{"path": "/d/x", "name": "shop"}]}, r"two databases"),
        ({"sqlite": [{"path": "data/x.db"}]}, r"sqlite\[0\].path is not an absolute path"),
        ({"sqlite": [{"path": "/data/../x.db"}]}, r"is not an absolute path"),
        ({"sqlite": [{"path": "/d/x", "mode": "y"}]}, r"Unsupported parameters: mode|mode\. Supported"),
    ],
)
def test_a_description_that_cannot_be_right_is_refused(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _stack.parse({**MINIMAL, **raw})
