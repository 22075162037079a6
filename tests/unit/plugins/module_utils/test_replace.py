# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _replace
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan, Step
from ansible_collections.tiered.rollback.plugins.module_utils._replace import Replacement


class Killed(BaseException):
    """What a signal would do."""


@pytest.fixture
def data(deployment: Any, build: Any, request: pytest.FixtureRequest) -> Any:
    """An operator of a stack with a database that ``api`` writes to; returned with that database."""
    database = deployment.add_database()
    return request.getfixturevalue("operator"), database


def _calls(deployment: Any, *kinds: str) -> list[str]:
    return [call[0] for call in deployment.world.calls if call[0] in kinds]


def test_a_writers_new_container_is_made_before_the_old_one_stops_and_started_after_the_exchange(
    data: Any, deployment: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, database = data
    stopped_when_made, open_when_started = [], []
    make, start = deployment.compose.make_replicas, deployment.engine.start

    def made(replicas: dict[str, int]) -> None:
        make(replicas)
        stopped_when_made.append(any(not c.running and not c.unstarted for c in deployment.world.running))

    def started(container: str) -> None:
        open_when_started.append(database.open)
        start(container)

    monkeypatch.setattr(deployment.compose, "make_replicas", made)
    monkeypatch.setattr(deployment.engine, "start", started)
    operator.switch(tier=2)
    assert (stopped_when_made, open_when_started) == ([False], [True])
    assert deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v0.9.0"))
    assert len(deployment.world.running) == 2


def test_what_is_stopped_for_the_exchange_is_not_made_by_compose_meanwhile(data: Any, deployment: Any) -> None:
    operator, _database = data
    operator.switch(tier=2)
    kinds = ("make_replicas", "stop", "start", "recreate", "remove")
    assert _calls(deployment, *kinds) == ["make_replicas", "stop", "start", "recreate", "remove"]
    assert ("recreate", "web") in deployment.world.calls


def test_without_databases_to_exchange_compose_replaces_everything(operator: Any, deployment: Any) -> None:
    operator.switch(tier=1)
    assert _calls(deployment, "make_replicas", "start") == []


@pytest.mark.parametrize("failing", ["loss", "keep_out", "swap"])
def test_nothing_made_for_later_stays_where_the_exchange_fails(
    data: Any, deployment: Any, build: Any, failing: str
) -> None:
    operator, database = data
    old = {c.id for c in deployment.world.running if c.service == "api"}
    database.failing[failing] = RuntimeError("the server is gone")
    with pytest.raises(RollbackError, match="was put back"):
        operator.switch(tier=2)
    # The container from before is started again, or made again; none of the target is there.
    assert {c.image_id for c in deployment.world.running} == {build.image_id("v1.0.0")}
    assert all(c.running for c in deployment.world.running)
    assert len(deployment.world.running) == 2
    assert old


@pytest.mark.parametrize("call", ["make_replicas", "stop", "start", "remove"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_same_command_again_arrives(
    data: Any, deployment: Any, build: Any, monkeypatch: pytest.MonkeyPatch, call: str, late: bool
) -> None:
    operator, database = data
    database.rows.append("written before the kill")
    owner = deployment.compose if call == "make_replicas" else deployment.engine
    real = getattr(owner, call)

    def killed(*arguments: Any) -> None:
        if late:
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, killed)
        with pytest.raises(Killed):
            operator.switch(1, tier=2)
    operator.switch(2, tier=2, dead_run=operator.build.run(1).id)
    assert deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v0.9.0"))
    assert len(deployment.world.running) == 2
    kept = [rows for _identity, rows, run in database.beside.values() if run]
    assert any("written before the kill" in rows for rows in kept)


def _replacement(deployment: Any, operator: Any, **definition: Any) -> tuple[Replacement, Plan]:
    ctx = deployment.context()
    point = next(iter(ctx.store.points()))
    rendered = ctx.store.definition(point)
    rendered["services"]["api"].update(definition)
    steps = tuple(Step(action="stop_first", subject=name, now="a", target="b") for name in ("api", "web"))
    plan = Plan(target=point.id, source="retag", steps=steps, replicas={"api": 1, "web": 1}, writers=("api",))
    return Replacement(ctx.stack, deployment.engine, deployment.compose, point, rendered), plan


@pytest.mark.parametrize("cutover", ["stop_first", "start_first"])
def test_what_a_part_depends_on_is_neither_started_nor_counted_anew(
    operator: Any, deployment: Any, monkeypatch: pytest.MonkeyPatch, cutover: str
) -> None:
    _unused, plan = _replacement(deployment, operator)
    ctx = deployment.context()
    point = next(iter(ctx.store.points()))
    rendered = ctx.store.definition(point)
    rendered["services"]["api"]["depends_on"] = {"web": {"condition": "service_started"}}
    step = replace(plan.steps[0], action=cutover)
    others: list[Any] = []
    make = deployment.compose.make_replicas
    monkeypatch.setattr(
        deployment.compose,
        "make_replicas",
        lambda replicas, resting, **named: (others.append(resting), make(replicas, resting, **named)),
    )
    replacement = Replacement(ctx.stack, deployment.engine, deployment.compose, point, rendered, rest_stays=True)
    hashes = {c.service: c.config_hash for c in deployment.world.running}
    monkeypatch.setattr(replacement, "_wait_good", lambda *_: None)
    replacement.replace(replace(plan, steps=(step,), replicas={"api": 1}), hashes, None)
    assert others == [{"web": 1}]
    assert _calls(deployment, "start_made", "recreate", "add_replicas")[-1] == "start_made"


def test_only_writers_are_made_beforehand(operator: Any, deployment: Any) -> None:
    replacement, plan = _replacement(deployment, operator)
    assert replacement.preparable(plan) == ["api"]
    assert replacement.preparable(replace(plan, writers=())) == []


@pytest.mark.parametrize(
    "definition",
    [
        {"container_name": "api"},
        {"network_mode": "service:web"},
        {"network_mode": "container:other"},
        {"volumes_from": ["web"]},
        {"depends_on": {"web": {"condition": "service_healthy"}}},
    ],
    ids=str,
)
def test_what_compose_must_make_in_its_place_or_its_order_is_left_to_compose(
    operator: Any, deployment: Any, definition: dict[str, Any]
) -> None:
    replacement, plan = _replacement(deployment, operator, **definition)
    assert replacement.preparable(plan) == []


def test_what_depends_only_on_services_that_stay_is_made_beforehand(operator: Any, deployment: Any) -> None:
    replacement, plan = _replacement(deployment, operator, depends_on={"db": {"condition": "service_healthy"}})
    assert replacement.preparable(plan) == ["api"]


def test_a_container_with_a_volume_of_its_own_is_left_to_compose_which_hands_it_on(
    operator: Any, deployment: Any
) -> None:
    replacement, plan = _replacement(deployment, operator)
    deployment.world.running = [replace(c, writable_volumes=True) for c in deployment.world.running]
    assert replacement.preparable(plan) == []


def test_a_service_without_a_container_is_left_to_compose(operator: Any, deployment: Any) -> None:
    replacement, plan = _replacement(deployment, operator)
    deployment.world.running = [c for c in deployment.world.running if c.service != "api"]
    assert replacement.preparable(plan) == []


def test_only_what_never_ran_is_discarded(operator: Any, deployment: Any) -> None:
    replacement, _plan = _replacement(deployment, operator)
    stopped, unstarted = deployment.world.start("api"), deployment.world.start("api")
    changes = {stopped.id: {"running": False}, unstarted.id: {"running": False, "unstarted": True}}
    deployment.world.running = [replace(c, **changes.get(c.id, {})) for c in deployment.world.running]
    replacement.discard_unstarted({"api", "web"})
    assert unstarted.id not in {c.id for c in deployment.world.running}
    assert stopped.id in {c.id for c in deployment.world.running}


def test_what_is_between_two_crashes_is_stopped_too_and_what_never_ran_is_not(operator: Any, deployment: Any) -> None:
    replacement, _plan = _replacement(deployment, operator)
    (crashing,) = [c for c in deployment.world.running if c.service == "api"]
    made = deployment.world.start("api")
    changes = {crashing.id: {"running": False, "restarts": 9}, made.id: {"running": False, "unstarted": True}}
    deployment.world.running = [replace(c, **changes.get(c.id, {})) for c in deployment.world.running]
    replacement.stop({"api"})
    assert [call for call in deployment.world.calls if call[0] == "stop"] == [("stop", crashing.id)]


def test_a_container_that_is_not_healthy_in_time_is_told_with_its_last_words(
    operator: Any, deployment: Any, build: Any
) -> None:
    replacement, plan = _replacement(deployment, operator)
    deployment.world.sick.add(build.image_id("v0.9.0"))
    deployment.world.tags["shop:v1.0.0"] = build.image_id("v0.9.0")
    with pytest.raises(RollbackError, match="does not get healthy: running, unhealthy") as caught:
        replacement.replace(plan, {}, None)
    assert "the last words" in caught.value.hint
    assert _replace._CRASHES == 3


def test_a_replica_that_reads_a_file_written_in_this_run_is_replaced_though_its_hash_is_the_same(
    operator: Any, deployment: Any
) -> None:
    deployment.deploy("v0.9.0")
    mount = {"type": "bind", "source": str(deployment.src / "motd"), "target": "/motd", "read_only": True}
    replacement, plan = _replacement(deployment, operator, volumes=[mount])
    first = (replace(plan.steps[0], action="start_first"),)
    old = next(c.id for c in deployment.world.running if c.service == "api")
    replacement.replace(replace(plan, steps=first), {}, Interrupted(files=frozenset({"other"}), since="2999"))
    assert old in {c.id for c in deployment.world.running}
    replacement.replace(replace(plan, steps=first), {}, Interrupted(files=frozenset({"motd"}), since="2999"))
    assert old not in {c.id for c in deployment.world.running}
