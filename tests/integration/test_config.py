# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration alone goes back from a backup; only what reads it is replaced."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.stack import Stack

SECRET = "hunter2"


@pytest.fixture
def stack(make_stack: Any) -> Stack:
    """A backup was made; then settings that ``api`` mounts, and a variable that ``web`` reads, were changed."""
    made: Stack = make_stack()
    mounts = ["./data:/data:ro", "./settings.conf:/config/settings.conf:ro"]
    made.description["config"] = ["compose.yml", ".env", "settings.conf"]
    made.compose(
        {
            "api": made.published(volumes=mounts),
            "web": made.service("web:production", environment={"OTHER": "${OTHER}", "PASSWORD": "${PASSWORD}"}),
            "worker": made.service("web:production"),
        }
    )
    made.write("settings.conf", "colour = green\n")
    made.write(".env", f"OTHER=old\nPASSWORD={SECRET}\n", 0o600)
    made.tag("web:production", "v1.0.0")
    made.deploy("v1.0.0")
    return made


def backups(stack: Stack) -> list[str]:
    """Return the names of the stack's backups."""
    return sorted(path.name for path in (stack.state / stack.name / "config").iterdir())


def test_the_newest_backup_goes_back_and_only_readers_are_replaced(stack: Stack) -> None:
    kept = stack.run("config-backup.yml").ok()
    again = stack.run("config-backup.yml").ok()
    assert (kept.recap["changed"], again.recap["changed"], len(backups(stack))) == (1, 0, 1)
    stack.write("settings.conf", "colour = red\n")
    stack.up("--force-recreate", "api")
    before = {name: stack.states(name) for name in ("api", "web", "worker")}

    foretold = stack.run("config-rollback.yml", "--check", "--diff").ok()
    done = stack.run("config-rollback.yml", "--diff").ok()

    assert foretold.recap["changed"] == done.recap["changed"] == 1
    assert "settings.conf: 1 lines go, 1 lines come" in foretold.output
    assert (stack.src / "settings.conf").read_text() == "colour = green\n"
    assert stack.ask().document["settings"] == "colour = green\n"
    after = {name: stack.states(name) for name in ("api", "web", "worker")}
    assert after["api"] != before["api"]
    assert (after["web"], after["worker"]) == (before["web"], before["worker"])
    assert stack.report()[0]["scope"] == ["api"]
    assert stack.run("config-rollback.yml").ok().recap["changed"] == 0

    # The files that were replaced come back.
    stack.undo().ok()
    assert (stack.src / "settings.conf").read_text() == "colour = red\n"


def test_a_named_backup_of_an_environment_file_shows_names_and_no_values(stack: Stack) -> None:
    stack.run("config-backup.yml").ok()
    name = backups(stack)[0]
    stack.write(".env", f"OTHER=new\nPASSWORD={SECRET}-2\nADDED=1\n", 0o600)
    stack.up()
    stack.run("config-backup.yml").ok()
    api, worker = stack.states("api"), stack.states("worker")

    done = stack.run("config-rollback.yml", "--diff", "-vvv", backup=name).ok()

    assert ".env: OTHER is another one, PASSWORD is another one, ADDED is gone" in done.output
    assert "services.web.environment.OTHER is another one" in done.output
    assert SECRET not in done.output + stack.report()[1]
    (web,) = stack.containers("web")
    assert {"OTHER=old", f"PASSWORD={SECRET}"} <= set(web["Config"]["Env"])
    assert (stack.states("api"), stack.states("worker")) == (api, worker)
    assert (stack.src / ".env").stat().st_mode & 0o777 == 0o600


def test_a_service_that_a_backup_does_not_know_goes_and_one_that_it_has_comes_back(stack: Stack) -> None:
    stack.run("config-backup.yml").ok()
    services = {"api": stack.published(), "extra": stack.service("web:production")}
    stack.compose(services)
    stack.up("--remove-orphans")
    assert set(stack.ids()) == {"api", "extra"}

    stack.run("config-rollback.yml").ok()

    assert set(stack.ids()) == {"api", "web", "worker"}
    assert stack.healthy()
    stack.undo().ok()
    assert set(stack.ids()) == {"api", "extra"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda stack: stack.write("compose.yml", "services: {api: {image: [}}\n"), "yaml"),
        (lambda stack: stack.write(".env", "OTHER='unclosed\n"), ".env"),
        (lambda stack: stack.compose({"api": stack.published("api:lost")}), "api:lost"),
    ],
    ids=["compose file", "environment file", "image that is gone"],
)
def test_a_backup_that_cannot_work_is_refused_before_anything_is_replaced(
    stack: Stack, spoil: Any, message: str
) -> None:
    good = {path: (stack.src / path).read_text() for path in ("compose.yml", ".env")}
    spoil(stack)
    # As a person would who copies whatever is there; Compose is not asked where the files are stated.
    stack.run("config-backup.yml").ok()
    for path, text in good.items():
        stack.write(path, text)
    before = stack.snapshot()

    refused = stack.run("config-rollback.yml")

    assert refused.rc != 0
    assert message in refused.said
    assert "HINT" in refused.said
    assert stack.snapshot() == before


def test_a_backup_that_was_changed_or_is_not_there_is_refused(stack: Stack) -> None:
    none = stack.run("config-rollback.yml")
    assert "there is no configuration backup newest" in none.said
    stack.run("config-backup.yml").ok()
    name = backups(stack)[0]
    path = stack.state / stack.name / "config" / name / "settings.conf"
    path.write_text("tampered\n")
    before = stack.snapshot()
    refused = stack.run("config-rollback.yml", backup=name)
    assert f"backup {name} is damaged: settings.conf" in refused.said
    assert stack.snapshot() == before
