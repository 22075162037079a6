# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _ledger, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.modules import migration_rollback

COMMAND = ["alembic", "downgrade", "-1"]
Act = Callable[..., dict[str, Any]]


@pytest.fixture
def shop(deployment: Any) -> Any:
    """A database."""
    return deployment.add_database()


@pytest.fixture
def act(deployment: Any, build: Any, shop: Any) -> Act:
    """Roll a migration back by a command in ``api``, unless told otherwise."""

    def call(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        params = {"service": "api", "command": COMMAND, "database": None, "sql_file": None, "timeout": 9}
        context = deployment.context(check_mode=check_mode, run=build.run(), **{**params, "lock_wait": 0, **changes})
        return migration_rollback.act(context)

    return call


@pytest.fixture
def by_file(tmp_path: Path) -> dict[str, Any]:
    """Options of the other way."""
    path = tmp_path / "down.sql"
    path.write_text("0")
    return {"service": None, "command": None, "database": "shop", "sql_file": str(path)}


def test_a_command_is_run_after_every_database_was_copied(act: Act, deployment: Any, shop: Any) -> None:
    def downgrade(argv: Any) -> str:
        assert shop.calls == ["capture"]
        shop.version = "0"
        return f"did {' '.join(argv)}"

    deployment.world.execute = downgrade
    result = act()
    assert (result["changed"], result["output"]) == (True, "did alembic downgrade -1")
    assert result["schema"] == {"shop": {"before": "1", "after": "0"}}
    point = deployment.context().store.load(result["before"])
    assert (point.kind, point.databases["shop"].schema) == ("before", "1")
    assert deployment.context().store.proven(point.id)
    assert _lock.holder(deployment.state) is None
    assert not (deployment.state / _journal.ACTIVITY).exists()


def test_the_run_is_recorded_with_the_copy_as_what_was_before(act: Act, deployment: Any, build: Any) -> None:
    copy = act()["before"]
    (entry,) = _ledger.entries(deployment.state)
    keys = ("run", "stack", "kind", "tier", "outcome", "before", "target", "from_version", "to_version", "outage")
    wanted = (build.run().id, "shop", "migration", 2, "succeeded", copy, "", "v0.9.0", "v0.9.0", None)
    assert tuple(entry[key] for key in keys) == wanted
    assert (entry["user"], entry["reason"]) == ("olga", "not stated")


def test_a_run_has_reports_and_says_where(act: Act, deployment: Any, shop: Any) -> None:
    result = act()
    names = {path.name.partition(".")[2] for path in (deployment.state / "reports").iterdir()}
    assert names == {"json", "md", "html", "incident.md"}
    assert result["report"].endswith(".md")
    assert [phase["name"] for phase in result["record"]["phases"]][-1] == "migrate"


def test_one_that_failed_has_them_too(act: Act, deployment: Any, shop: Any) -> None:
    def refuse(_argv: Any) -> str:
        raise RollbackError("no revision")

    deployment.world.execute = refuse
    with pytest.raises(RollbackError, match="no revision") as caught:
        act()
    assert (deployment.state / "reports").is_dir()
    record: Any = caught.value.facts["record"]
    assert (record["outcome"], record["phases"][-1]["failed"]) == ("failed", "RollbackError: no revision")


def test_one_that_failed_is_recorded_and_one_that_was_refused_or_foretold_is_not(
    act: Act, deployment: Any, shop: Any, by_file: dict[str, Any]
) -> None:
    act(check_mode=True)
    with pytest.raises(RollbackError):
        act(timeout=0)
    shop.failing["capture"] = RollbackError("disk full")
    with pytest.raises(RollbackError, match="disk full"):
        act()
    assert _ledger.entries(deployment.state) == []
    shop.failing["execute"] = RollbackError("syntax error")
    with pytest.raises(RollbackError, match="syntax error") as caught:
        act(**by_file)
    (entry,) = _ledger.entries(deployment.state)
    assert (entry["outcome"], entry["before"]) == ("failed", caught.value.facts["before"])


def test_on_a_broken_ledger_nothing_is_run(act: Act, deployment: Any, shop: Any) -> None:
    deployment.state.mkdir(parents=True)
    (deployment.state / _ledger.NAME).write_text("{}\n")
    with pytest.raises(RollbackError, match="does not follow from the line before"):
        act()
    assert shop.calls == []


def test_a_file_is_run_on_its_database(act: Act, deployment: Any, shop: Any, by_file: dict[str, Any]) -> None:
    result = act(**by_file)
    assert shop.calls == ["capture", "execute"]
    assert result["schema"] == {"shop": {"before": "1", "after": "0"}}
    assert "execute" not in {call[0] for call in deployment.world.calls}


@pytest.mark.parametrize("way", ["command", "file"])
def test_check_mode_says_what_would_be_run_and_moves_nothing(
    act: Act, deployment: Any, shop: Any, by_file: dict[str, Any], way: str
) -> None:
    options = by_file if way == "file" else {}
    before = deployment.trees()
    foretold = act(check_mode=True, **options)
    assert (deployment.trees(), shop.calls, deployment.world.calls) == (before, [], [])
    assert (foretold["before"], foretold["schema"]) == (None, {"shop": {"before": "1", "after": None}})
    done = act(**options)
    assert (foretold["changed"], foretold["actions"]) == (done["changed"], done["actions"])


def test_a_failure_names_the_copy_and_says_whether_the_schema_differs(act: Act, deployment: Any, shop: Any) -> None:
    def fail(_argv: Any) -> str:
        shop.version = "half"
        raise RollbackError("exec failed (1): no such revision", "Correct the command.")

    deployment.world.execute = fail
    with pytest.raises(RollbackError, match="no such revision; the schema of shop differs since") as caught:
        act()
    copy = caught.value.facts["before"]
    assert f"tier2-standard.yml -e version={copy}" in caught.value.hint
    assert deployment.context().store.load(copy).databases["shop"].schema == "1"
    assert _lock.holder(deployment.state) is None


def test_a_failure_that_left_the_schema_alone_says_so(act: Act, shop: Any, by_file: dict[str, Any]) -> None:
    shop.failing["execute"] = RollbackError("syntax error")
    with pytest.raises(RollbackError, match="syntax error; no schema differs since"):
        act(**by_file)


def test_a_failure_after_which_nobody_can_look_says_that_too(
    act: Act, shop: Any, by_file: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> str:
        raise RollbackError("server gone")

    def execute(_script: str, _timeout: int) -> None:
        monkeypatch.setattr(shop, "schema", gone)
        raise RollbackError("connection lost")

    monkeypatch.setattr(shop, "execute", execute)
    with pytest.raises(RollbackError, match="connection lost; whether the schema differs since cannot be seen"):
        act(**by_file)


def test_without_a_copy_of_every_database_nothing_is_run(act: Act, deployment: Any, shop: Any) -> None:
    shop.failing["capture"] = RollbackError("disk full")
    with pytest.raises(RollbackError, match="disk full"):
        act()
    assert deployment.world.calls == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"service": "worker"}, "no container of service worker runs"),
        ({"command": []}, "no command to run"),
        ({"timeout": 0}, "timeout must be at least 1"),
        ({"sql_file": "/nowhere/down.sql", "database": "shop"}, "down.sql does not exist on the target"),
        ({"sql_file": "/nowhere/down.sql", "database": "other"}, "describes no database other"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_copied(
    act: Act, shop: Any, changes: dict[str, Any], told: str
) -> None:
    for check_mode in (True, False):
        with pytest.raises(RollbackError, match=told):
            act(check_mode=check_mode, **changes)
    assert shop.calls == []


@pytest.mark.parametrize(("data", "told"), [(b"\xff\xfe", "no UTF-8"), (b" \n", "is empty")])
def test_a_file_that_is_no_script_is_refused(
    act: Act, shop: Any, by_file: dict[str, Any], data: bytes, told: str
) -> None:
    Path(by_file["sql_file"]).write_bytes(data)
    with pytest.raises(RollbackError, match=told):
        act(**by_file)
    assert shop.calls == []


def test_a_stack_without_a_database_is_refused(act: Act, deployment: Any) -> None:
    deployment.databases.clear()
    with pytest.raises(RollbackError, match="describes no database, so none could be copied"):
        act()


def test_nothing_is_run_while_a_run_is_unfinished(act: Act, deployment: Any, build: Any, shop: Any) -> None:
    deployment.state.mkdir(parents=True)
    path = deployment.state / _journal.NAME
    Journal(path=path, run=build.run(7), kind="rollback", tier=2, target="p", before="b").save()
    with pytest.raises(RollbackError, match="was not finished, so which schema"):
        act()
    assert shop.calls == []
