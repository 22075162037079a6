# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _faults
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

PROJECT: dict[str, Any] = {
    "services": {
        "api": {"networks": {"default": None}, "labels": {"a": "b"}},
        "job": {},
        "web": {"networks": {"default": None}, "tmpfs": "/tmp:size=1m"},
        "db": {"networks": {"default": None}},
    }
}


def means(**changes: Any) -> _faults.Means:
    given_means = {"databases": ["shop"], "servers": ["db"], "root": True, **changes}
    return _faults.means(PROJECT, ["job"], ["web"], **given_means)


def test_services_with_checks_come_first_and_jobs_never() -> None:
    found = means()
    assert list(found.services) == ["web", "api", "db"]
    assert (list(found.full), list(found.networked)) == (["api", "db"], ["web", "api", "db"])
    assert list(found.servers) == ["db"]


@pytest.mark.parametrize(
    ("fault", "changes", "why"),
    [
        ("bad_migration", {"databases": [], "servers": []}, "describes no database"),
        ("database_stop", {"databases": [], "servers": []}, "describes no PostgreSQL database$"),
        ("database_stop", {"servers": []}, "describes no PostgreSQL database, and SQLite has no server"),
        ("process_kill", {"root": False}, "it needs root"),
        ("disk_full", {"root": False}, "it needs root"),
        ("latency", {"latency": "the kernel has no netem"}, "the kernel has no netem"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(fault: str, changes: dict[str, Any], why: str) -> None:
    assert _faults.impossible(fault, means()) == ""
    assert re.search(why, _faults.impossible(fault, means(**changes)))
    with pytest.raises(RollbackError, match=f"fault {fault} cannot be injected here: ") as caught:
        _faults.choose(fault, 0, means(**changes))
    assert "Nothing was made" in caught.value.hint
    assert fault not in caught.value.hint.replace("Those that can: ", "").split(", ")


def test_a_service_that_cannot_be_hit_is_refused() -> None:
    for service in ("job", "nobody"):
        with pytest.raises(RollbackError, match=f"service {service} cannot be hit by it; those that can: web, api, db"):
            _faults.choose("container_kill", 0, means(), service)
    assert _faults.choose("disk_full", 0, means()) == ("disk_full", "api")
    with pytest.raises(RollbackError, match="nothing can be"):
        _faults.choose("random", 0, means(), "nobody")


@given(st.integers(0, 999_999_999))
def test_the_same_seed_chooses_the_same_again_and_only_what_can_be(seed: int) -> None:
    found = means(databases=[], servers=[], root=False, latency="no")
    chosen = _faults.choose("random", seed, found)
    assert chosen == _faults.choose("random", seed, found)
    # As a drill is repeated: by the fault's and the service's names.
    assert chosen == _faults.choose(chosen[0], seed, found, chosen[1])
    assert not _faults.impossible(chosen[0], found, chosen[1])


def test_random_comes_to_everything_that_can_be() -> None:
    assert {_faults.choose("random", seed, means())[0] for seed in range(200)} == set(_faults.FAULTS)


def test_data_that_is_ruined_needs_tier_2() -> None:
    assert [_faults.tier(fault, None) for fault in ("container_kill", "bad_migration")] == [1, 2]
    assert _faults.tier("container_kill", 2) == 2
    with pytest.raises(RollbackError, match="tier 1 does not take data back; use tier 2"):
        _faults.choose("bad_migration", 0, means(), tier=1)


def test_a_server_that_is_down_is_for_tier_1_and_needs_a_statement() -> None:
    assert _faults.choose("database_stop", 0, means()) == ("database_stop", "db")
    with pytest.raises(RollbackError, match="tier 2 works on databases whose server runs; use tier 1"):
        _faults.choose("database_stop", 0, means(), tier=2)
    with pytest.raises(RollbackError, match="service db cannot be hit by it; those that can: web, api"):
        _faults.choose("container_kill", 0, means(), "db", 2)
    hit = [("db", 1), ("db", 2), ("web", 1)]
    assert [_faults.hides_schema(means(), service, tier) for service, tier in hit] == [True, False, False]


@pytest.mark.parametrize("tier", [1, 2])
def test_random_comes_to_everything_that_a_tier_can_take_back(tier: int) -> None:
    chosen = {_faults.choose("random", seed, means(), tier=tier) for seed in range(300)}
    assert {fault for fault, _service in chosen} == set(_faults.FAULTS) - {
        "bad_migration" if tier == 1 else "database_stop"
    }
    assert ("db" in {service for _fault, service in chosen}) == (tier == 1)


def test_what_fills_up_is_small_in_memory_and_the_copys_own() -> None:
    prepared = _faults.prepared(PROJECT, "disk_full", "web")
    assert prepared["services"]["web"]["tmpfs"] == ["/tmp:size=1m", "/tmp:size=16777216,mode=1777"]
    assert _faults.prepared(PROJECT, "container_kill", "web") == PROJECT
    assert PROJECT["services"]["web"]["tmpfs"] == "/tmp:size=1m"


@pytest.mark.parametrize("fault", _faults.FAULTS)
def test_a_release_differs_from_what_was_captured_and_touches_one_service(fault: str) -> None:
    found = _faults.released(PROJECT, fault, "api")
    assert found["services"]["web"] == PROJECT["services"]["web"]
    assert found["services"]["api"]["labels"] == {"a": "b", "tiered.rollback.drill.release": fault}
    assert ("entrypoint" in found["services"]["api"]) == (fault == "bad_config")


def test_a_migration_ruins_the_largest_table_and_goes_through() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript('CREATE TABLE a (x); CREATE TABLE "b""c" (x);')
        connection.executescript(_faults.migration({"a": 1, 'b"c': 5}, "sqlite"))
        assert connection.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall() == [
            ("a",),
            ("drill_migration",),
        ]
    with pytest.raises(RollbackError, match="no table"):
        _faults.migration({}, "sqlite")
    # As PostgreSQL itself has quoted it.
    assert _faults.migration({"public.a": 1, 'public."b c"': 5}, "postgres") == 'DROP TABLE public."b c" CASCADE'
