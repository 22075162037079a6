# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _capture
from ansible_collections.tiered.rollback.plugins.module_utils._context import Context
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed, observe


@pytest.fixture
def ctx(deployment: Any) -> Context:
    """A context on the project."""
    made: Context = deployment.context()
    return made


@pytest.fixture
def now(ctx: Context) -> Observed:
    """What runs."""
    return observe(ctx.stack, ctx.engine, ctx.compose)


def _describe(ctx: Context, now: Observed, kind: str = "deploy") -> RestorePoint:
    return _capture.describe(
        ctx.stack,
        now,
        ctx.engine,
        point_id="v0.9.0-x",
        version="v0.9.0",
        kind=kind,
        created="2026-11-20T10:00:00.000+00:00",
        reason="",
        healthy=True,
    )


def test_a_point_names_images_by_id_and_files_by_sum(ctx: Context, now: Observed, build: Any) -> None:
    point = _describe(ctx, now)
    assert {part.image_id for part in point.services.values()} == {build.image_id("v0.9.0")}
    assert set(point.files) == {"compose.yml", ".env"}
    assert (point.variables, point.project, point.git) == ({"VERSION": "v0.9.0"}, "shop", None)
    assert point.services["web"].config_hash == now.hashes["web"]


def test_a_written_point_is_whole_proven_and_its_images_are_kept_by_tags_of_our_own(
    ctx: Context, now: Observed, deployment: Any, build: Any
) -> None:
    point = _capture.write(ctx.stack, ctx.store, now, _describe(ctx, now), ctx.engine)
    _capture.prove(ctx.store, ctx.engine, point)
    assert ctx.store.load(point.id) == point
    assert ctx.store.proven(point.id)
    assert deployment.world.tags["tiered-rollback/shop/web:v0.9.0-x"] == build.image_id("v0.9.0")


def test_a_stack_that_does_not_run_cannot_be_captured(ctx: Context, now: Observed) -> None:
    with pytest.raises(RollbackError, match="no container of project shop"):
        _describe(ctx, replace(now, containers=()))


def test_what_runs_otherwise_than_its_files_say_is_no_version_but_is_a_state_before(
    ctx: Context, now: Observed
) -> None:
    drifted = replace(now, hashes={**now.hashes, "web": "other"})
    with pytest.raises(RollbackError, match="service web runs with another configuration"):
        _describe(ctx, drifted)
    assert _describe(ctx, drifted, kind="before").services["web"].rendered_hash == "other"


def test_half_a_deployment_is_no_version(ctx: Context, now: Observed) -> None:
    other = replace(now.of("web")[0], id="second", image_id="sha256:other")
    with pytest.raises(RollbackError, match="service web runs more than one image"):
        _describe(ctx, replace(now, containers=(*now.containers, other)))


@pytest.mark.parametrize(
    ("changes", "replicas"),
    [
        ([{}], 1),
        ([{}, {"id": "2"}], 2),
        ([{"running": False, "exit_code": 0}], 0),
        ([{"running": False, "exit_code": 1}], 1),
        ([{}, {"id": "2", "running": False, "exit_code": 0}], 1),
    ],
)
def test_replicas_are_those_that_run_and_a_job_that_ended_well_has_none(
    ctx: Context, now: Observed, changes: list[dict[str, Any]], replicas: int
) -> None:
    containers = tuple(replace(now.of("web")[0], **change) for change in changes)
    assert _describe(ctx, replace(now, containers=containers)).services["web"].replicas == replicas


def test_a_file_that_changes_while_it_is_captured_is_noticed(ctx: Context, now: Observed, deployment: Any) -> None:
    point = _describe(ctx, now)
    (deployment.src / ".env").write_text("VERSION=v7\n")
    with pytest.raises(RollbackError, match=r"\.env changed while it was captured"):
        _capture.write(ctx.stack, ctx.store, now, point, ctx.engine)
    assert ctx.store.ids() == []


def test_an_image_that_is_gone_leaves_the_point_unproven(ctx: Context, now: Observed, deployment: Any) -> None:
    point = _capture.write(ctx.stack, ctx.store, now, _describe(ctx, now), ctx.engine)
    deployment.world.images.clear()
    with pytest.raises(RollbackError, match=r"the images of .*web.* are gone"):
        _capture.prove(ctx.store, ctx.engine, point)
    assert ctx.store.proven(point.id) is None


@pytest.mark.parametrize(("kind", "pushed"), [("deploy", True), ("before", False)])
def test_images_of_a_version_are_pushed_where_a_registry_is_named(
    ctx: Context, now: Observed, deployment: Any, build: Any, kind: str, pushed: bool
) -> None:
    stack = replace(ctx.stack, registry="localhost:5000/keep")
    point = _capture.write(stack, ctx.store, now, _describe(ctx, now, kind), ctx.engine)
    digest = f"localhost:5000/keep/web@{build.image_id('v0.9.0')}"
    assert (digest in point.services["web"].digests) is pushed
    assert (digest in deployment.world.registry) is pushed
    assert ctx.store.load(point.id) == point


def test_the_names_of_versions_are_pushed_too_and_do_not_stay_on_the_host(
    ctx: Context, now: Observed, deployment: Any, build: Any
) -> None:
    stack = replace(ctx.stack, registry="localhost:5000/keep")
    before = build.point("v0.8.0", id="p", services={"web": build.service_part(image_id=build.image_id("v1.0.0"))})
    _capture.keep(ctx.store, before, {}, {}, ctx.engine)
    deployment.world.calls.clear()
    _capture.write(stack, ctx.store, now, _describe(ctx, now), ctx.engine)
    pushed = [call[1].rpartition("/")[2] for call in deployment.world.calls if call[0] == "push"]
    own = [f"{service}:{tag}" for service in ("api", "web") for tag in ("v0.9", "v0.9.0", "v0.9.0-x")]
    assert sorted(pushed) == sorted([*own, "web:previous"])
    kept = {name for name in deployment.world.tags if name.startswith("localhost:5000/")}
    assert kept == {f"localhost:5000/keep/{service}:v0.9.0-x" for service in ("api", "web")}


@pytest.mark.parametrize("image", ["r/x/web", "r/x/web:1", "r/x/web@sha256:1"])
def test_a_repository_that_the_compose_file_names_images_in_is_the_users(build: Any, image: str) -> None:
    services = {"web": build.service_part(image=image), "we": build.service_part(image="r/x/webs:1")}
    assert _capture.users_repositories("r/x", build.point(services=services)) == ["web"]
    assert _capture.users_repositories("r/y", build.point(services=services)) == []


def test_the_running_version_is_the_points_it_equals_else_the_variable_else_the_label(
    ctx: Context, now: Observed, deployment: Any, build: Any
) -> None:
    name = _capture.running_version
    assert name(now, ctx.engine, [build.point("v5"), build.point("v6")]) == "v6"
    assert name(now, ctx.engine, []) == "v0.9.0"
    bare = replace(now, variables={})
    assert name(bare, ctx.engine, []) == "unknown"
    deployment.world.add_image("v0.9.0", labels={"org.opencontainers.image.version": "0.9"})
    assert name(bare, ctx.engine, []) == "0.9"


def _git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


def test_a_checkout_is_captured_with_commit_tag_and_whether_it_is_clean(
    ctx: Context, now: Observed, deployment: Any
) -> None:
    _git(deployment.src, "init", "--quiet")
    assert _describe(ctx, now).git is None
    _git(deployment.src, "add", "compose.yml")
    _git(deployment.src, "commit", "--quiet", "-m", "v0.9.0")
    _git(deployment.src, "tag", "v0.9.0")
    git = _describe(ctx, now).git
    assert git is not None
    assert (git.tag, git.clean, len(git.commit)) == ("v0.9.0", True, 40)
    (deployment.src / "compose.yml").write_text("{}")
    git = _describe(ctx, now).git
    assert git is not None
    assert not git.clean


def test_a_checkout_that_tracks_none_of_the_configuration_is_no_source(
    ctx: Context, now: Observed, deployment: Any
) -> None:
    _git(deployment.src, "init", "--quiet")
    _git(deployment.src, "commit", "--quiet", "--allow-empty", "-m", "x")
    assert _describe(ctx, now).git is None
