# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _lock
from ansible_collections.tiered.rollback.plugins.module_utils._databases import Displaced
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.modules import database_prune


@pytest.fixture
def shop(deployment: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A database with three that were put aside 90, 60 and 50 days ago."""
    made = deployment.add_database()
    now = datetime.now(UTC)
    there = [
        Displaced(name=f"old-{days}", run=f"r{days}", at=(now - timedelta(days=days)).isoformat(), size=days)
        for days in (90, 60, 50)
    ]
    monkeypatch.setattr(made, "displaced", lambda: list(there))
    monkeypatch.setattr(made, "discard", lambda name: there.remove(next(each for each in there if each.name == name)))
    return made


def _prune(deployment: Any, build: Any, *, check_mode: bool = False, days: int = 30) -> dict[str, Any]:
    context = deployment.context(check_mode=check_mode, run=build.run(), older_than_days=days, lock_wait=0)
    return database_prune.act(context)


@pytest.mark.parametrize(("days", "removed"), [(30, ["old-90", "old-60"]), (70, ["old-90"]), (100, [])])
def test_what_is_old_goes_and_the_newest_never(
    deployment: Any, build: Any, shop: Any, days: int, removed: list[str]
) -> None:
    result = _prune(deployment, build, days=days)
    assert [each["name"] for each in result["removed"]] == removed
    assert result["changed"] is bool(removed)
    assert [each.name for each in shop.displaced()] == [n for n in ("old-90", "old-60", "old-50") if n not in removed]
    assert [each["name"] for each in result["kept"]] == [each.name for each in shop.displaced()]
    assert not _prune(deployment, build, days=days)["changed"]
    assert _lock.holder(deployment.state) is None


def test_check_mode_gives_the_same_answer_and_removes_nothing(deployment: Any, build: Any, shop: Any) -> None:
    foretold = _prune(deployment, build, check_mode=True)
    assert len(shop.displaced()) == 3
    assert foretold == _prune(deployment, build)


@pytest.mark.parametrize("days", [0, 1000])
def test_what_was_half_made_goes_whatever_its_age_and_what_is_whole_stays(
    deployment: Any, build: Any, days: int
) -> None:
    shop = deployment.add_database()
    shop.beside = {"half-1": ("x", [], None), "prepared-p": ("y", [], None)}
    foretold = _prune(deployment, build, check_mode=True, days=days)
    assert len(shop.beside) == 2
    result = _prune(deployment, build, days=days)
    assert (result["changed"], result["half_made"]) == (True, [{"database": "shop", "name": "half-1"}])
    assert result["diff"]["before"] == "shop: half-1, half made\n"
    assert (list(shop.beside), foretold) == (["prepared-p"], result)
    assert not _prune(deployment, build, days=days)["changed"]


def test_where_nothing_was_put_aside_nothing_is_removed(deployment: Any, build: Any) -> None:
    deployment.add_database()
    assert _prune(deployment, build) == {
        "changed": False,
        "removed": [],
        "half_made": [],
        "kept": [],
        "diff": {"before": "", "after": ""},
    }


def test_nothing_is_removed_while_a_run_is_unfinished(deployment: Any, build: Any, shop: Any) -> None:
    deployment.state.mkdir(parents=True)
    path = deployment.state / _journal.NAME
    Journal(path=path, run=build.run(7), kind="rollback", tier=2, target="p", before="b").save()
    with pytest.raises(RollbackError, match="was not finished, and may need"):
        _prune(deployment, build)
    assert len(shop.displaced()) == 3


def test_a_negative_age_is_refused(deployment: Any, build: Any, shop: Any) -> None:
    with pytest.raises(RollbackError, match="negative"):
        _prune(deployment, build, days=-1)
