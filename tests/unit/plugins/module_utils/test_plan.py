# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _plan
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import FilePart, GitPart
from ansible_collections.tiered.rollback.plugins.module_utils._plan import Interrupted, Plan

HEALTH = {"healthcheck": {"test": ["CMD", "true"]}}


def _definition(**services: Any) -> dict[str, Any]:
    return {"name": "shop", "services": {"web": {"image": "shop:production"}, **services}}


def _plan_of(build: Any, now: Any, target: Any, definition: Any = None, **more: Any) -> Plan:
    stack = more.pop("stack", None) or build.stack()
    return _plan.plan(stack, now, target, definition or _definition(), **more)


def _actions(plan: Plan) -> list[tuple[str, str]]:
    return [(step.action, step.subject) for step in plan.steps]


def test_the_plan_to_what_runs_is_empty(build: Any) -> None:
    plan = _plan_of(build, build.observed(), build.point())
    assert (plan.steps, dict(plan.replicas)) == ((), {})


def test_a_moved_tag_is_moved_back_and_the_service_replaced(build: Any) -> None:
    now = build.observed(
        containers=(build.container(image_id=build.image_id("v2")),), tags={"shop:production": build.image_id("v2")}
    )
    plan = _plan_of(build, now, build.point())
    assert _actions(plan) == [("move_tag", "shop:production"), ("start_first", "web")]
    assert plan.source == "retag"
    assert dict(plan.replicas) == {"web": 1}
    step = plan.steps[0]
    assert (step.now, step.target) == (_plan.short(build.image_id("v2")), _plan.short(build.image_id("v1")))


def test_the_old_tag_on_a_new_image_is_not_taken_for_the_old_version(build: Any) -> None:
    """drydock#1020 and #981: the tag says v1, the image behind it is another."""
    now = build.observed(containers=(build.container(image_id=build.image_id("v2")),))
    assert _actions(_plan_of(build, now, build.point())) == [("start_first", "web")]


def test_a_wrong_image_beside_the_right_one_is_replaced_too(build: Any) -> None:
    """A failed update that left a mixed stack (docker/cli#595)."""
    mixed = (build.container(), build.container(id="2", number=2, image_id=build.image_id("v2")))
    (step,) = _plan_of(build, build.observed(containers=mixed), build.point()).steps
    assert (step.subject, step.note.partition(";")[0]) == ("web", "image")


def test_a_container_that_is_right_while_the_tag_has_moved_is_left_alone(build: Any) -> None:
    now = build.observed(tags={"shop:production": build.image_id("v2")})
    assert _actions(_plan_of(build, now, build.point())) == [("move_tag", "shop:production")]


def test_a_tag_that_is_gone_is_made_again(build: Any) -> None:
    (step,) = _plan_of(build, build.observed(tags={}), build.point()).steps
    assert (step.action, step.now) == ("move_tag", "absent")


@pytest.mark.parametrize(
    ("image", "listed"),
    [
        ("shop", "shop:latest"),
        ("shop:1", "shop:1"),
        ("localhost:5000/shop", "localhost:5000/shop:latest"),
        ("docker.io/library/nginx", "nginx:latest"),
        ("docker.io/me/app:2", "me/app:2"),
        ("ghcr.io/me/app:2", "ghcr.io/me/app:2"),
    ],
)
def test_a_name_is_compared_as_the_engine_lists_it(build: Any, image: str, listed: str) -> None:
    target = build.point(services={"web": build.service_part(image=image)})
    now = build.observed(tags={listed: build.image_id("v1")})
    assert _plan_of(build, now, target).steps == ()


def test_an_image_that_is_named_by_digest_has_no_tag_to_move(build: Any) -> None:
    part = build.service_part(image="shop@sha256:" + "1" * 64)
    assert _plan_of(build, build.observed(tags={}), build.point(services={"web": part})).steps == ()


def _variable_case(build: Any, **changes: Any) -> tuple[Any, Any]:
    now = build.observed(
        variables={"VERSION": "v2", "OTHER": "same"},
        containers=(build.container(image_id=build.image_id("v2"), config_hash="hash-2"),),
        hashes={"web": "hash-2"},
        tags={"shop:v1": build.image_id("v1"), "shop:v2": build.image_id("v2")},
        files=changes.pop("now_files", {}),
    )
    part = build.service_part(image="shop:v1")
    return now, build.point(services={"web": part}, variables={"VERSION": "v1", "OTHER": "same"}, **changes)


def test_a_version_variable_is_set_where_the_env_file_is_no_part_of_the_configuration(build: Any) -> None:
    now, target = _variable_case(build)
    plan = _plan_of(build, now, target)
    assert _actions(plan) == [("set_variable", "VERSION"), ("start_first", "web")]
    assert (plan.source, plan.steps[0].now, plan.steps[0].target) == ("variable", "v2", "v1")


def test_an_env_file_that_is_part_of_the_configuration_goes_back_whole(build: Any) -> None:
    now, target = _variable_case(
        build,
        files={".env": build.file_part(b"VERSION=v1\n")},
        now_files={".env": build.file_part(b"VERSION=v2\n")},
    )
    assert _actions(_plan_of(build, now, target)) == [("write_file", ".env"), ("start_first", "web")]


def test_the_variable_is_set_in_the_env_file_that_wins(build: Any) -> None:
    files = {".env": build.file_part(b"VERSION=v1\n")}
    now, target = _variable_case(build, files=files, now_files=files)
    plan = _plan_of(build, now, target, stack=build.stack(env_files=[".env", "prod.env"]))
    assert _actions(plan) == [("set_variable", "VERSION"), ("start_first", "web")]


@pytest.mark.parametrize(
    ("stated", "git", "variables", "wanted"),
    [
        ("auto", None, {}, "retag"),
        ("auto", None, {"VERSION": "v1"}, "variable"),
        ("auto", GitPart(commit="c", tag=None, clean=True), {"VERSION": "v1"}, "git"),
        ("auto", GitPart(commit="c", tag=None, clean=False), {"VERSION": "v1"}, "variable"),
        ("auto", GitPart(commit="c", tag=None, clean=False), {}, "retag"),
        ("retag", GitPart(commit="c", tag=None, clean=True), {"VERSION": "v1"}, "retag"),
        ("git", None, {}, "git"),
        ("variable", None, {}, "variable"),
    ],
)
def test_how_images_go_back_is_found_out_or_as_stated(
    build: Any, stated: str, git: GitPart | None, variables: dict[str, str], wanted: str
) -> None:
    now = build.observed(variables=variables)
    assert _plan.image_source(build.stack(image_source=stated), now, build.point(git=git)) == wanted


MOUNTS = {
    "a file": {"volumes": [{"type": "bind", "source": "/opt/shop/conf/app.ini", "read_only": True}]},
    "its directory": {"volumes": [{"type": "bind", "source": "/opt/shop/conf", "read_only": True}]},
    "a config": {"configs": [{"source": "app"}]},
    "a secret": {"secrets": [{"source": "app"}]},
}


@pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS)
def test_a_service_is_replaced_when_a_file_it_mounts_goes_back(build: Any, mount: dict[str, Any]) -> None:
    """The image went back, its configuration did not (argoproj/argo-rollouts#1297)."""
    named = {"app": {"file": "/opt/shop/conf/app.ini"}}
    definition = {**_definition(web={"image": "x", **HEALTH, **mount}), "configs": named, "secrets": named}
    now = build.observed(files={"conf/app.ini": build.file_part(b"new")})
    plan = _plan_of(build, now, build.point(files={"conf/app.ini": build.file_part(b"old")}), definition)
    assert _actions(plan) == [("write_file", "conf/app.ini"), ("start_first", "web")]
    assert "reads conf/app.ini" in plan.steps[1].note


def test_a_service_is_left_alone_when_a_file_goes_back_that_it_does_not_mount(build: Any) -> None:
    definition = _definition(web={"volumes": [{"type": "bind", "source": "/opt/shop/configuration"}]})
    now = build.observed(files={"conf/app.ini": build.file_part(b"new")})
    target = build.point(files={"conf/app.ini": build.file_part(b"old")})
    assert _actions(_plan_of(build, now, target, definition)) == [("write_file", "conf/app.ini")]


@pytest.mark.parametrize(
    ("current", "target", "action"),
    [
        (b"new", b"old", "write_file"),
        (None, b"old", "write_file"),
        (b"new", None, "remove_file"),
        (b"same", b"same", None),
        (None, None, None),
    ],
)
def test_files_are_written_or_removed_until_they_equal_the_target(
    build: Any, current: bytes | None, target: bytes | None, action: str | None
) -> None:
    def part(data: bytes | None) -> FilePart:
        return FilePart(sha256=None) if data is None else build.file_part(data)

    plan = _plan_of(build, build.observed(files={"a": part(current)}), build.point(files={"a": part(target)}))
    assert [step.action for step in plan.steps] == ([action] if action else [])


def test_a_file_that_the_target_does_not_know_is_left_alone(build: Any) -> None:
    assert _plan_of(build, build.observed(files={"new.ini": build.file_part()}), build.point()).steps == ()


def test_a_service_that_the_target_does_not_have_is_removed_last(build: Any) -> None:
    now = build.observed(
        containers=(build.container(image_id=build.image_id("v2")), build.container("extra", image="other")),
    )
    plan = _plan_of(build, now, build.point())
    assert _actions(plan) == [("start_first", "web"), ("remove_service", "extra")]


def test_a_service_that_is_gone_is_made_again(build: Any) -> None:
    (step,) = _plan_of(build, build.observed(containers=()), build.point()).steps
    assert (step.subject, step.now, step.action) == ("web", "absent", "stop_first")


@pytest.mark.parametrize(("running", "wanted", "steps"), [(1, 2, 1), (2, 1, 1), (2, 2, 0), (0, 1, 1)], ids=str)
def test_a_service_gets_as_many_replicas_as_were_captured(build: Any, running: int, wanted: int, steps: int) -> None:
    containers = tuple(build.container(id=f"c{n}", number=n) for n in range(running))
    target = build.point(services={"web": build.service_part(replicas=wanted)})
    plan = _plan_of(build, build.observed(containers=containers), target)
    assert len(plan.steps) == steps
    assert dict(plan.replicas) == ({"web": wanted} if steps else {})


@pytest.mark.parametrize(
    "change",
    [{"running": False}, {"running": False, "image_id": "sha256:other"}, {"running": False, "config_hash": "other"}],
)
def test_a_one_shot_job_is_never_run_again(build: Any, change: dict[str, Any]) -> None:
    target = build.point(services={"web": build.service_part(replicas=0)})
    assert _plan_of(build, build.observed(containers=(build.container(**change),)), target).steps == ()


def test_a_service_that_stands_still_is_started_again(build: Any) -> None:
    now = build.observed(containers=(build.container(running=False, exit_code=137),))
    (step,) = _plan_of(build, now, build.point()).steps
    assert "not running as captured" in step.note


def test_services_that_do_not_differ_have_no_step(build: Any) -> None:
    services = {"web": build.service_part(), "db": build.service_part(image="db:16", image_id=build.image_id("db"))}
    now = build.observed(
        containers=(
            build.container(image_id=build.image_id("v2")),
            build.container("db", image_id=build.image_id("db")),
        ),
        tags={"shop:production": build.image_id("v1"), "db:16": build.image_id("db")},
    )
    plan = _plan_of(build, now, build.point(services=services))
    assert _actions(plan) == [("start_first", "web")]


def test_a_changed_configuration_hash_replaces_the_service(build: Any) -> None:
    """The environment of the service went back with its Compose file."""
    now = build.observed(
        containers=(build.container(config_hash="hash-2"),),
        hashes={"web": "hash-2"},
        files={"compose.yml": build.file_part(b"new")},
    )
    target = build.point(files={"compose.yml": build.file_part(b"old")})
    plan = _plan_of(build, now, target)
    assert _actions(plan) == [("write_file", "compose.yml"), ("start_first", "web")]
    assert "configuration" in plan.steps[1].note


@pytest.mark.parametrize("container", ["hash-1", "hash-of-another-release"])
def test_another_compose_release_that_hashes_the_same_files_otherwise_is_no_change(build: Any, container: str) -> None:
    now = build.observed(
        containers=(build.container(config_hash=container),), hashes={"web": "hash-of-another-release"}
    )
    assert _plan_of(build, now, build.point()).steps == ()


@pytest.mark.parametrize(
    ("created", "steps"), [("2026-11-20T10:00:00.123999999Z", 1), ("2026-11-20T10:00:00.124000000Z", 0)]
)
def test_a_container_made_before_a_killed_run_put_its_files_back_is_replaced(
    build: Any, created: str, steps: int
) -> None:
    definition = _definition(web={"volumes": [{"type": "bind", "source": "/opt/shop/app.ini"}]})
    files = {"app.ini": build.file_part(b"old")}
    now = build.observed(containers=(build.container(created=created),), files=files)
    interrupted = Interrupted(files=frozenset({"app.ini"}), since="2026-11-20T10:00:00.124+00:00")
    plan = _plan_of(build, now, build.point(files=files), definition, interrupted=interrupted)
    assert len(plan.steps) == steps


def test_a_container_that_mounts_none_of_the_killed_runs_files_is_left_alone(build: Any) -> None:
    interrupted = Interrupted(files=frozenset({"app.ini"}), since="2026-11-20T23:00:00.000+00:00")
    assert _plan_of(build, build.observed(), build.point(), interrupted=interrupted).steps == ()


def test_files_come_first_then_tags_then_start_first_then_stop_first_then_removals(build: Any) -> None:
    """What makes a state live comes last."""
    services = {"a": build.service_part(), "b": build.service_part(), "c": build.service_part()}
    definitions = {"a": {"container_name": "a"}, "b": dict(HEALTH), "c": {"ports": [{"published": "1"}]}}
    old = {"image_id": build.image_id("v2")}
    now = build.observed(
        containers=tuple(build.container(name, **old) for name in ("a", "b", "c", "zz")),
        tags={"shop:production": build.image_id("v2")},
        files={"f": build.file_part(b"new")},
    )
    plan = _plan_of(
        build, now, build.point(services=services, files={"f": build.file_part(b"old")}), _definition(**definitions)
    )
    assert _actions(plan) == [
        ("write_file", "f"),
        ("move_tag", "shop:production"),
        ("start_first", "b"),
        ("stop_first", "a"),
        ("stop_first", "c"),
        ("remove_service", "zz"),
    ]
    assert plan.subjects("stop_first") == ("a", "c")


def test_the_cutover_the_stack_names_is_used_and_an_impossible_one_refused(build: Any) -> None:
    now = build.observed(containers=(build.container(image_id=build.image_id("v2")),))
    stack = build.stack(services={"web": {"cutover": "stop_first"}})
    assert _actions(_plan_of(build, now, build.point(), stack=stack)) == [("stop_first", "web")]
    stack = build.stack(services={"web": {"cutover": "start_first"}})
    with pytest.raises(RollbackError, match="cannot be started first"):
        _plan_of(build, now, build.point(), _definition(web={"container_name": "x"}), stack=stack)


@pytest.mark.parametrize("change", [{"health": None}, {"writable_volumes": True}])
def test_what_is_seen_of_the_containers_decides_on_the_cutover_too(build: Any, change: dict[str, Any]) -> None:
    now = build.observed(containers=(build.container(image_id=build.image_id("v2"), **change),))
    assert _actions(_plan_of(build, now, build.point())) == [("stop_first", "web")]


def test_the_plan_is_json_and_its_diff_shows_sums_but_no_contents(build: Any) -> None:
    now = build.observed(files={".env": build.file_part(b"PASSWORD=hunter2\n")})
    plan = _plan_of(build, now, build.point(files={".env": build.file_part(b"PASSWORD=hunter1\n")}))
    assert json.loads(json.dumps(plan.to_dict()))["steps"][0]["subject"] == ".env"
    assert "hunter" not in json.dumps([plan.to_dict(), plan.diff()])
    diff = plan.diff()
    assert diff["before"].startswith("write_file .env: sha256 ")
    assert diff["before"] != diff["after"]


def test_a_step_reads_as_a_sentence() -> None:
    step = _plan.Step(action="stop_first", subject="web", now="v2", target="v1", note="image")
    assert str(step) == "stop_first web: v2 -> v1 (image)"


@pytest.mark.parametrize(("value", "text"), [(None, "absent"), ("sha256:" + "a" * 64, "a" * 12)])
def test_an_image_id_is_shown_short(value: str | None, text: str) -> None:
    assert _plan.short(value) == text


def test_a_plan_for_a_part_touches_nothing_else(build: Any) -> None:
    target = build.point(
        services={"web": build.service_part(image_id=build.image_id("v0")), "api": build.service_part(image="api:1")}
    )
    stray = build.container("stray")
    down = build.container("api", running=False, exit_code=1)
    now = build.observed(containers=(build.container(), down, stray))
    steps = _plan.plan(build.stack(), now, target, {"services": {"web": {}, "api": {}}}, scope={"web"}).steps
    assert [(step.action, step.subject) for step in steps] == [("move_tag", "shop:production"), ("start_first", "web")]
    whole = _plan.plan(build.stack(), now, target, {"services": {"web": {}, "api": {}}}).steps
    assert {step.subject for step in whole} == {"shop:production", "api:1", "web", "api", "stray"}


def test_a_flag_of_the_application_is_set_where_it_is_another_one(build: Any) -> None:
    target = build.point(flags={"AI": False, "BETA": True, "NEW": 1})
    now = build.observed(flags={"AI": True, "BETA": True})
    steps = _plan.plan(build.stack(), now, target, {"services": {"web": {}}}).steps
    assert [str(step) for step in steps] == ["set_flag AI: True -> False", "set_flag NEW: unknown -> 1"]


def test_what_a_killed_run_had_replaced_is_read_from_its_steps() -> None:
    steps: list[dict[str, Any]] = [{"name": "preflight"}, {"name": "configuration", "begun": "x"}]
    assert Interrupted.after(steps, "then") is None
    steps[1]["files"] = ["a", "b"]
    assert Interrupted.after(steps, "then") == Interrupted(files=frozenset({"a", "b"}), since="then")
