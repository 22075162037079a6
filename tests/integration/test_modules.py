# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that the emergency path does not call, each on the real part: check, real, again."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._announce import announce
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.stack import Stack
from ansible_collections.tiered.rollback.tests.support.task import call


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Stack:
    made: Stack = make_stack()
    made.compose({"api": made.published()})
    made.write(".env", "SECRET=hunter2\n", mode=0o640)
    made.deploy("v0.9.0")
    return made


def test_a_tag_is_moved_to_an_image_id_once(stack: Stack, tmp_path: Path) -> None:
    name, wanted = f"{stack.project}/api:moved", stack.images.get("v1.0.0")
    stack.tag("api:moved", "v0.9.0")
    options = {"name": name, "image_id": wanted}

    foretold = call(stack, tmp_path, "image_retag", "--check", **options)
    assert engine.image_id(name) == stack.images.get("v0.9.0")
    real = call(stack, tmp_path, "image_retag", **options)
    assert engine.image_id(name) == wanted
    again = call(stack, tmp_path, "image_retag", **options)

    for key in ("changed", "before", "after", "actions", "diff"):
        assert foretold[key] == real[key]
    assert (real["changed"], again["changed"], again["actions"]) == (True, False, [])


@pytest.mark.parametrize(
    ("address", "expected"),
    [("app:v0.9.0", "no content address"), ("sha256:" + "0" * 64, "is not on this host")],
)
def test_a_tag_is_never_moved_to_another_tag_or_to_nothing(
    stack: Stack, tmp_path: Path, address: str, expected: str
) -> None:
    before = stack.tags()
    found = call(stack, tmp_path, "image_retag", name=f"{stack.project}/api:production", image_id=address)
    assert found["failed"]
    assert expected in found["msg"]
    assert stack.tags() == before


def test_configuration_is_kept_and_put_back_with_mode_and_checksums(stack: Stack, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    where = {"root": str(stack.src), "backups": str(backups)}
    paths = ["compose.yml", ".env"]

    assert call(stack, tmp_path, "config_backup", "--check", **where, paths=paths)["changed"]
    assert not backups.exists()
    kept = call(stack, tmp_path, "config_backup", **where, paths=paths)
    assert not call(stack, tmp_path, "config_backup", **where, paths=paths)["changed"]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=backups / kept["backup"], check=True)

    files = stack.files()
    stack.write(".env", "SECRET=wrong\n", mode=0o600)
    foretold = call(stack, tmp_path, "config_restore", "--check", "--diff", **where)
    assert (stack.src / ".env").read_text() == "SECRET=wrong\n"
    real = call(stack, tmp_path, "config_restore", **where)
    assert stack.files() == files
    assert (foretold["files"], foretold["diff"]) == (real["files"], real["diff"]) == ([".env"], real["diff"])
    assert (backups / real["kept"] / ".env").read_text() == "SECRET=wrong\n"
    assert not call(stack, tmp_path, "config_restore", **where)["changed"]


def test_a_damaged_backup_is_refused_before_anything_is_replaced(stack: Stack, tmp_path: Path) -> None:
    where = {"root": str(stack.src), "backups": str(tmp_path / "backups")}
    kept = call(stack, tmp_path, "config_backup", **where, paths=[".env"])
    (tmp_path / "backups" / kept["backup"] / ".env").write_text("SECRET=changed\n")
    stack.write(".env", "SECRET=now\n", mode=0o640)
    found = call(stack, tmp_path, "config_restore", **where)
    stack.write(".env", "SECRET=hunter2\n", mode=0o640)
    assert found["failed"]
    assert "is damaged" in found["msg"]


def test_the_health_gate_says_which_check_fails_and_which_image_runs(stack: Stack, tmp_path: Path) -> None:
    options = {"stack": stack.description, "state_dir": str(stack.state)}
    point = stack.capture("v0.9.0")
    assert all(check["ok"] for check in call(stack, tmp_path, "health_gate", **options, restore_point=point)["checks"])

    stack.deploy("v1.0.0", "broken")
    found = call(stack, tmp_path, "health_gate", **options, restore_point=point)
    failed = {check["name"]: check["found"] for check in found["checks"] if not check["ok"]}
    assert found["failed"]
    assert set(failed) == {"api-0", "container api"}
    assert "status 500" in failed["api-0"]
    stack.deploy("v0.9.0")


def test_tokens_for_checks_show_nowhere(stack: Stack, tmp_path: Path) -> None:
    described = {
        **stack.description,
        "services": {"api": {"checks": [dict(stack.description["services"]["api"]["checks"][0])]}},
    }
    described["services"]["api"]["checks"][0]["headers"] = {"Authorization": "Bearer hunter2"}
    call(stack, tmp_path, "health_gate", "-vvv", stack=described, state_dir=str(stack.state))
    text = "".join(path.read_text(errors="replace") for path in stack.state.rglob("*.md"))
    assert "hunter2" not in text


def test_the_playbooks_run_under_their_full_names(stack: Stack, tmp_path: Path) -> None:
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).resolve().parents[2] / ".collections")}
    for name, variables in (
        ("status", {}),
        ("tier1_emergency", {"version": "previous"}),
        ("undo", {}),
        ("cleanup", {}),
        ("restore_point", {"version": "v1.0.0"}),
        ("discover", {"project": stack.project, "output": str(tmp_path / "discovered.yml")}),
    ):
        stack.run(f"tiered.rollback.{name}", env=collections, **variables).ok()
    assert stack.image_ids()["api"] == stack.images.get("v1.0.0")
    assert stack.points("v1.0.0")
    assert str(stack.src) in (tmp_path / "discovered.yml").read_text()


def test_a_new_container_makes_itself_known_to_the_host_before_anybody_asks(make_stack: Any) -> None:
    """Else a client that asked while nobody had the address waits for the next ARP request, up to a second."""
    stack: Stack = make_stack()
    stack.compose({"api": stack.service()})
    stack.deploy("v0.9.0")
    (container,) = Engine().containers(stack.project)

    def known() -> bool:
        rows = [row.split() for row in Path("/proc/net/arp").read_text().splitlines()[1:]]
        complete = 0x2
        return any(row[0] == container.addresses[0] and int(row[2], 16) & complete for row in rows)

    # It publishes no port, so neither a client nor the engine has spoken with it yet.
    assert not known()
    assert announce(container)
    deadline = time.monotonic() + 10
    while not known():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_proxy_is_told_by_the_commands_the_user_names(make_stack: Any, tmp_path: Path) -> None:
    stack: Stack = make_stack()
    stack.compose({"api": stack.service()})
    told = tmp_path / "told"
    script = stack.src / "tell"
    script.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    script.chmod(0o755)
    stack.description["services"] = {
        "api": {
            "settle": 0,
            "attach_command": ["./tell", "attach", "{name}"],
            "drain_command": ["./tell", "drain", "{container}", "{address}"],
        }
    }
    stack.deploy("v0.9.0")
    stack.capture("v0.9.0")
    stack.deploy("v1.0.0")
    (old,) = stack.containers("api")
    (network,) = old["NetworkSettings"]["Networks"].values()

    stack.rollback("v0.9.0").ok()

    assert told.read_text().splitlines() == [
        f"attach {old['Name'].lstrip('/')}",
        f"drain {old['Id']} {network['IPAddress']}",
    ]
