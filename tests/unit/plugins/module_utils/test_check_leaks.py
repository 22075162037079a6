# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_leaks, _proc
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_GONE = "d" * 64


def _subject(build: Any, **changes: Any) -> Any:
    engine = SimpleNamespace(
        networks=lambda _project: changes.pop("networks", []),
        labelled=lambda _label: changes.pop("clients", []),
        ids=lambda: {"c" * 64},
    )
    values = {
        "stack": build.stack(postgres=[{"database": "shop", "host": "db"}]),
        "engine": engine,
        "now": build.observed(),
        "databases": {"shop": SimpleNamespace(half_made=lambda: changes.pop("half_made", []))},
        "unfinished": "",
    }
    return SimpleNamespace(**{**values, **{k: v for k, v in changes.items() if k in values}})


def test_a_project_of_its_files_alone_leaks_nothing(build: Any) -> None:
    assert _check_leaks.look({"leaks": True}, _subject(build)).ok


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"networks": ["shop_old"]}, "network shop_old"),
        ({"clients": ["tiered-rollback-pg_dump-1"]}, "container tiered-rollback-pg_dump-1"),
        ({"half_made": ["shop_prepared_1"]}, "shop_prepared_1, half made"),
        ({"unfinished": "run 1 was not finished"}, "run 1"),
    ],
)
def test_what_is_left_is_named(build: Any, changes: dict[str, Any], expected: str) -> None:
    found = _check_leaks.look({"leaks": True}, _subject(build, **changes))
    assert not found.ok
    assert expected in found.found


def test_a_container_that_no_file_names_is_left_over(build: Any) -> None:
    ghost = build.container("ghost", name="shop-ghost-1")
    subject = _subject(build, now=build.observed(containers=(build.container(), ghost)))
    assert "shop-ghost-1" in _check_leaks.look({"leaks": True}, subject).found


def test_processes_of_containers_that_are_gone_are_named(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_proc, "is_local", lambda _container: True)
    monkeypatch.setattr(_proc, "contained", lambda: {7: _GONE, 8: "c" * 64})
    assert _check_leaks.look({"leaks": True}, _subject(build)).found == f"process 7 of {_GONE[:12]}"


def test_a_process_that_was_just_ending_is_none(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [{7: _GONE}, {}]
    monkeypatch.setattr(_proc, "is_local", lambda _container: True)
    monkeypatch.setattr(_proc, "contained", lambda: looks.pop(0))
    assert _check_leaks.look({"leaks": True}, _subject(build)).ok


def test_looking_for_nothing_is_refused(build: Any) -> None:
    with pytest.raises(RollbackError, match="leaks is false"):
        _check_leaks.refuse({"leaks": False}, "checks[0]", build.stack())
