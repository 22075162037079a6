# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _drill_plan, _files, _staging_databases
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _make(ctx: Any) -> Any:
    return _drill_plan.make(ctx, ctx.module.params, "")


def test_a_plan_says_all_and_makes_nothing(drilled: Any, deployment: Any) -> None:
    before = deployment.trees()
    drill = _make(drilled())
    plan = drill.plan
    assert plan["name"] == "drill-shop-20261120t100000z-000001"
    assert (plan["point"], plan["version"]) == (drill.point.id, "v0.9.0")
    assert (plan["fault"], plan["service"], plan["tier"], plan["budget"]) == ("container_kill", "api", 1, 300)
    assert plan["services"] == ["api", "web"]
    assert Path(plan["root"]).parent == deployment.state / "drill"
    assert list(plan["ports"]) == ["tcp/8080"]
    assert plan["ports"]["tcp/8080"] not in ("tcp/8080", "tcp/0")
    assert plan["size"] == len("of production")
    assert drill.project["name"] == plan["name"]
    assert deployment.trees() == before
    assert deployment.world.calls == []


def test_what_was_deployed_next_is_what_it_is_taken_back_from(drilled: Any, deployment: Any) -> None:
    assert _make(drilled()).plan["from_version"] == "v0.9.0"
    deployment.world.calls.clear()
    ctx = drilled()
    store = ctx.store
    (point,) = store.points()
    web = {name: _replaced(part, deployment.world.tags["shop:v1.0.0"]) for name, part in point.services.items()}
    later = _replaced_point(point, web)
    store.add(later, {}, _files.dump_json(store.definition(point)))
    # It was never proven, which what is broken need not be.
    plan = _make(drilled()).plan
    assert (plan["version"], plan["from_version"]) == ("v0.9.0", "v1.0.0")
    assert set(plan["from_images"].values()) == {deployment.world.tags["shop:v1.0.0"]}


def _replaced(part: Any, image_id: str) -> Any:
    return type(part)(**{**vars(part), "image_id": image_id})


def _replaced_point(point: Any, services: Any) -> Any:
    changes = {"id": "v1.0.0-20991120T100000Z", "version": "v1.0.0", "created": "2099-11-20T10:00:00.000+00:00"}
    definition = {"services": services, "files": {}}
    return type(point)(**{**vars(point), **changes, **definition})


def test_a_stack_without_a_proven_restore_point_is_told_how_to_get_one(drilled: Any, deployment: Any) -> None:
    (point,) = drilled().store.points()
    (deployment.state / "restore_points" / point.id / "proven.json").unlink()
    with pytest.raises(RollbackError, match="no proven restore point to make a staging copy from") as caught:
        _make(drilled())
    assert "restore-point.yml" in caught.value.hint
    shutil.rmtree(deployment.state / "restore_points")
    with pytest.raises(RollbackError, match="no proven restore point"):
        _make(drilled())


def test_images_that_are_gone_are_named(drilled: Any, deployment: Any) -> None:
    deployment.world.images.clear()
    with pytest.raises(RollbackError, match="the images of api, web of v0"):
        _make(drilled())


def test_a_state_directory_inside_what_production_writes_to_is_refused(drilled: Any, deployment: Any) -> None:
    ctx = drilled()
    inside = deployment.src / "state"
    shutil.copytree(deployment.state_dir, inside)
    ctx.module.params["state_dir"] = str(inside)
    with pytest.raises(RollbackError, match=r"would not be apart from production: paths: .*") as caught:
        _make(ctx)
    assert "another rollback_state_dir" in caught.value.hint
    assert not (inside / "shop/drill").exists()


def test_a_port_of_production_is_never_taken(drilled: Any) -> None:
    with pytest.raises(RollbackError, match="would not be apart from production: ports: tcp/8080"):
        _make(drilled(ports={"tcp/8080": "tcp/8080"}))


def test_more_than_may_be_copied_is_refused(drilled: Any) -> None:
    with pytest.raises(RollbackError, match="is more than 0 MiB"):
        _make(drilled(copy_limit=0))


def test_tier_2_needs_a_database(drilled: Any) -> None:
    with pytest.raises(RollbackError, match="tier 2 is about databases"):
        _make(drilled(tier=2))


def test_a_stack_that_is_named_as_a_copy_is_refused(drilled: Any, deployment: Any) -> None:
    deployment.raw["name"] = "drill-shop"
    with pytest.raises(RollbackError, match="named as staging copies are"):
        _make(drilled())


def test_a_server_of_the_stack_has_one_of_the_copys_own(served: Any) -> None:
    plan = _make(served(fault="database_stop")).plan
    own = {"service": "web", "container": f"{plan['name']}-web-1", "host": None, "port": 5432}
    assert plan["postgres"] == {"shop": own}
    assert (plan["service"], plan["tier"], plan["schema_compatible"]) == ("web", 1, True)
    assert "hush" not in repr(plan)
    plan = _make(served(fault="bad_migration")).plan
    assert (plan["service"], plan["tier"], plan["schema_compatible"]) == ("api", 2, False)


@pytest.mark.parametrize(
    ("described", "told"),
    [
        ({"host": "db.example"}, "at db.example:5432, which is no port that the stack's project publishes"),
        ({"container": "other"}, "in container other, which is not one of the stack's project"),
    ],
)
def test_a_database_outside_of_the_stack_is_refused_before_anything_is_made(
    served: Any, deployment: Any, described: dict[str, str], told: str
) -> None:
    deployment.raw["postgres"] = [{"database": "shop", **described}]
    before = deployment.trees()
    with pytest.raises(RollbackError, match=f"PostgreSQL database shop is {told}") as caught:
        _make(served())
    assert "Nothing was made" in caught.value.hint
    assert deployment.trees() == before
    assert deployment.world.calls == []


@pytest.mark.parametrize("changed", [{"container": None}, {"host": "127.0.0.1", "port": 8080}])
def test_a_plan_that_leads_to_productions_own_database_is_refused(
    served: Any, deployment: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    (server,) = [each for each in deployment.world.running if each.service == "web"]
    plan = _make(served()).plan
    wrong = {**plan["postgres"]["shop"], **changed}
    if wrong["container"] is None:
        wrong["container"] = server.name
    monkeypatch.setattr(_staging_databases, "servers", lambda *_: {"shop": wrong})
    with pytest.raises(RollbackError, match=r"would not be apart from production: .*databases: "):
        _make(served())


def test_a_servers_own_files_are_not_gone_through(tmp_path: Path) -> None:
    (tmp_path / "pgdata/global").mkdir(parents=True)
    (tmp_path / "pgdata/global/pg_control").write_text("x")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/one").write_text("x")
    assert sorted(path.name for path in _drill_plan._files_of(tmp_path)) == ["one"]


def test_a_full_disk_is_refused_before_it_is(drilled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = _make(drilled()).plan
    _drill_plan.room(plan, 10)
    with pytest.raises(RollbackError, match="no room for a staging copy"):
        _drill_plan.room(plan, 1 << 60)
