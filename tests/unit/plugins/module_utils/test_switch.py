# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _capture, _journal, _replace
from ansible_collections.tiered.rollback.plugins.module_utils._data import Data
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe
from ansible_collections.tiered.rollback.plugins.module_utils._switch import Switch


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_replace, "_POLL", 0.01)


class Rollback:
    """A project that ran v0.9.0, was captured, and now runs v1.0.0, captured as the state before."""

    def __init__(self, deployment: Any, build: Any, **stack: Any) -> None:
        self.deployment, self.build = deployment, build
        deployment.raw.update(stack)
        self.ctx = deployment.context()
        self.target = self._capture("v0.9.0", "deploy")
        deployment.deploy("v1.0.0")
        self.before = self._capture("before-1", "before")
        deployment.world.calls.clear()
        self.journal = Journal(
            path=deployment.state / _journal.NAME,
            run=build.run(),
            kind="rollback",
            tier=1,
            target=self.target.id,
            before=self.before.id,
            steps=[{"name": "preflight", "run": "r", "begun": _journal.now(), "ended": _journal.now()}],
        )
        data = Data([], self.ctx.store, self.journal, list)
        self.switch = Switch(self.ctx.stack, deployment.engine, deployment.compose, self.ctx.store, self.journal, data)

    def _capture(self, name: str, kind: str) -> RestorePoint:
        ctx = self.ctx
        now = observe(ctx.stack, ctx.engine, ctx.compose)
        point = _capture.describe(
            ctx.stack,
            now,
            ctx.engine,
            point_id=name,
            version=name,
            kind=kind,
            created=_journal.now(),
            reason="",
            healthy=True,
        )
        return _capture.write(ctx.stack, ctx.store, now, point, ctx.engine)


@pytest.fixture
def rollback(deployment: Any, build: Any) -> Rollback:
    """A rollback that is about to switch."""
    return Rollback(deployment, build)


def test_the_stack_arrives_at_the_target_with_files_images_and_nothing_left_over(
    rollback: Rollback, build: Any
) -> None:
    checks = rollback.switch.to(rollback.target)
    assert rollback.deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v0.9.0"))
    assert (rollback.deployment.src / ".env").read_text() == "VERSION=v0.9.0\n"
    assert len(rollback.deployment.world.running) == 2
    assert all(check["ok"] for check in checks)
    assert rollback.switch.plan(rollback.target)[1].steps == ()


def test_the_new_replica_is_healthy_before_the_old_one_of_a_start_first_service_goes(rollback: Rollback) -> None:
    old = next(c.id for c in rollback.deployment.world.running if c.service == "api")
    rollback.switch.to(rollback.target)
    assert rollback.deployment.world.calls == [
        ("add_replicas", "api"),
        ("recreate", "web"),
        ("stop", old),
        ("remove", old),
    ]


def test_a_second_time_changes_nothing(rollback: Rollback, tree: Any) -> None:
    rollback.switch.to(rollback.target)
    rollback.deployment.world.calls.clear()
    before = tree(rollback.deployment.src)
    rollback.switch.to(rollback.target)
    assert rollback.deployment.world.calls == []
    assert tree(rollback.deployment.src) == before


def test_every_step_is_in_the_journal_before_the_next_begins(rollback: Rollback) -> None:
    rollback.switch.to(rollback.target)
    steps = rollback.journal.steps[1:]
    assert [step["name"] for step in steps] == ["configuration", "images", "containers", "checks"]
    assert steps[0]["files"] == [".env"]
    assert all("ended" in step for step in steps)
    assert _journal.load(rollback.deployment.state) == rollback.journal


def test_a_target_that_does_not_get_healthy_has_stopped_nothing_of_a_start_first_service(
    rollback: Rollback, build: Any
) -> None:
    rollback.deployment.world.sick.add(build.image_id("v0.9.0"))
    with pytest.raises(RollbackError, match=r"api of v0\.9\.0 does not get healthy: running, unhealthy") as caught:
        rollback.switch.to(rollback.target)
    assert "the last words" in caught.value.hint
    assert rollback.deployment.world.calls == [("add_replicas", "api")]
    assert build.image_id("v1.0.0") in {c.image_id for c in rollback.deployment.world.running if c.service == "api"}
    assert rollback.journal.steps[-1]["failed"].startswith("RollbackError")


def test_after_a_failure_the_state_before_is_put_back_by_the_same_code(rollback: Rollback, build: Any) -> None:
    """Not service by service into a mixed stack (docker/cli#595)."""
    rollback.deployment.world.sick.add(build.image_id("v0.9.0"))
    with pytest.raises(RollbackError):
        rollback.switch.to(rollback.target)
    rollback.switch.to(rollback.before)
    assert rollback.deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v1.0.0"))
    assert len(rollback.deployment.world.running) == 2
    assert (rollback.deployment.src / ".env").read_text() == "VERSION=v1.0.0\n"


def test_a_state_before_that_was_unhealthy_only_has_to_be_as_it_was(rollback: Rollback, build: Any) -> None:
    rollback.switch.to(rollback.target)
    rollback.deployment.world.sick.add(build.image_id("v1.0.0"))
    with pytest.raises(RollbackError):
        rollback.switch.to(rollback.before)
    checks = rollback.switch.to(replace(rollback.before, healthy=False))
    assert set(rollback.deployment.running().values()) == {build.image_id("v1.0.0")}
    assert not all(check["ok"] for check in checks)


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_run_killed_before_or_after_any_step_converges_when_it_is_run_again(
    rollback: Rollback, build: Any, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    """ "pending-rollback, no more actions possible" (helm/helm#12516)."""
    real, count = Journal.save, 0

    def killed(journal: Journal) -> None:
        nonlocal count
        real(journal)
        count += 1
        if count == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        rollback.switch.to(rollback.target)
    monkeypatch.undo()
    journal = _journal.load(rollback.deployment.state)
    assert journal is not None
    ctx = rollback.ctx
    data = Data([], ctx.store, journal, list)
    Switch(ctx.stack, ctx.engine, ctx.compose, ctx.store, journal, data).to(rollback.target)
    assert rollback.deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v0.9.0"))
    assert len(rollback.deployment.world.running) == 2


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(rollback: Rollback) -> None:
    (rollback.deployment.src / ".env").write_text("VERSION=v1.0.0\nMINE=1\n")
    with pytest.raises(RollbackError, match=r"\.env was changed by somebody else"):
        rollback.switch.to(rollback.target)
    assert "MINE=1" in (rollback.deployment.src / ".env").read_text()
    assert rollback.deployment.world.calls == []


def test_a_compose_file_that_turns_out_invalid_stops_nothing(
    rollback: Rollback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invalid() -> dict[str, str]:
        raise RollbackError("compose.yml is invalid")

    _now, plan = rollback.switch.plan(rollback.target)
    monkeypatch.setattr(rollback.switch, "plan", lambda *_: (_now, plan))
    monkeypatch.setattr(rollback.deployment.compose, "render", invalid)
    with pytest.raises(RollbackError, match="invalid"):
        rollback.switch.to(rollback.target)
    assert rollback.deployment.world.calls == []


def test_hashes_are_known_without_compose_of_what_the_files_leave_as_it_was(rollback: Rollback) -> None:
    now, _plan = rollback.switch.plan(rollback.target)
    assert rollback.switch._hashes(now) == now.hashes
    compose = rollback.deployment.src / "compose.yml"
    compose.write_text(compose.read_text().replace('"8080"', '"8081"'))
    assert rollback.switch._hashes(now) == {"api": now.hashes["api"]}


def test_a_moved_tag_is_moved_back_to_the_image_of_the_target(rollback: Rollback, build: Any) -> None:
    rollback.deployment.world.tags["shop:v0.9.0"] = build.image_id("v1.0.0")
    rollback.switch.to(rollback.target)
    assert rollback.deployment.world.calls[0] == ("tag", build.image_id("v0.9.0"), "shop:v0.9.0")
    assert set(rollback.deployment.running().values()) == {build.image_id("v0.9.0")}


def test_an_engine_that_starts_another_image_is_found_out(rollback: Rollback, build: Any) -> None:
    """It ran the new image and said success (drydock#1020)."""
    start = rollback.deployment.world.start

    def wrong(service: str) -> Any:
        made = start(service)
        rollback.deployment.world.running[-1] = replace(made, image_id=build.image_id("v1.0.0"))
        return made

    rollback.deployment.world.start = wrong
    with pytest.raises(RollbackError):
        rollback.switch.to(rollback.target)


def test_a_service_that_the_target_does_not_have_is_stopped_and_removed(rollback: Rollback, build: Any) -> None:
    extra = build.container("extra", id="extra-1", image_id=build.image_id("v1.0.0"))
    rollback.deployment.world.running.append(extra)
    rollback.switch.to(rollback.target)
    assert rollback.deployment.world.calls[-2:] == [("stop", "extra-1"), ("remove", "extra-1")]


def test_a_container_that_stands_still_is_no_old_replica(rollback: Rollback) -> None:
    world = rollback.deployment.world
    world.running = [replace(c, running=False, exit_code=1) if c.service == "api" else c for c in world.running]
    rollback.switch.to(rollback.target)
    assert len([c for c in world.running if c.service == "api"]) == 1


@pytest.mark.parametrize("code", ["exit 0", "exit 3"])
def test_the_proxy_is_told_by_the_commands_the_user_names(
    deployment: Any, build: Any, tmp_path: Path, code: str
) -> None:
    log = tmp_path / "log"
    script = f'echo "$@" >> {log}; {code}'
    services = {
        "api": {
            "settle": 0,
            "drain_timeout": 0,
            "attach_command": ["sh", "-c", f"echo attach >> {log}"],
            "drain_command": ["sh", "-c", script, "sh", "{container}", "{name}", "{address}", "{other}"],
        }
    }
    rollback = Rollback(deployment, build, services=services)
    old = next(c for c in deployment.world.running if c.service == "api")
    if code == "exit 0":
        rollback.switch.to(rollback.target)
        assert ("stop", old.id) in deployment.world.calls
    else:
        with pytest.raises(RollbackError, match=r"failed \(3\)"):
            rollback.switch.to(rollback.target)
        assert ("stop", old.id) not in deployment.world.calls
    assert log.read_text().splitlines() == ["attach", f"{old.id} {old.name} 172.18.0.9 {{other}}"]


def test_a_version_variable_is_set_where_the_env_file_is_not_captured(deployment: Any, build: Any) -> None:
    rollback = Rollback(deployment, build, config=["compose.yml"])
    (deployment.src / ".env").write_bytes(b"# caf\xe9\nVERSION=v1.0.0\nSECRET=1\n".replace(b"\xe9", b"e"))
    rollback.switch.to(rollback.target)
    assert (deployment.src / ".env").read_text() == "# cafe\nVERSION=v0.9.0\nSECRET=1\n"
    assert set(deployment.running().values()) == {build.image_id("v0.9.0")}


def test_bytes_of_an_env_file_that_are_no_utf_8_are_kept(rollback: Rollback) -> None:
    path = rollback.deployment.src / ".env"
    path.write_bytes(b"# caf\xe9\nVERSION=v1.0.0\n")
    rollback.switch._set_variable("VERSION", "v0.9.0")
    assert path.read_bytes() == b"# caf\xe9\nVERSION=v0.9.0\n"


def test_from_a_checkout_local_changes_are_kept_and_the_index_follows(deployment: Any, build: Any) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=deployment.src, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "v0.9.0")
    rollback = Rollback(deployment, build)
    assert rollback.switch.plan(rollback.target)[1].source == "git"
    rollback.switch.to(rollback.target)
    assert git("status", "--porcelain") == ""
    kept = git("show", f"refs/tiered-rollback/{rollback.journal.run.id}:.env")
    assert kept == "VERSION=v1.0.0\n"
