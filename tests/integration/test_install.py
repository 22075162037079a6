# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive installs into an empty environment and works from there, on the oldest and on the newest ansible-core."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.plugin_utils import _playbooks
from ansible_collections.tiered.rollback.tests.support import installed
from ansible_collections.tiered.rollback.tests.support.installed import Controller
from ansible_collections.tiered.rollback.tests.support.playbook import ROOT
from ansible_collections.tiered.rollback.tests.support.stack import Stack

MODULES = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["rollback"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is uploaded or copied to install the collection."""
    return installed.build(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module", params=["this", "newest"])
def controller(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """A machine that has the collection from the archive only."""
    if request.param == "this":
        made = Controller(tmp_path_factory.mktemp("home"), Path(sys.executable).parent)
        made.install(archive)
        yield made
    else:
        with installed.newest(tmp_path_factory.mktemp("newest"), tmp_path_factory.getbasetemp()) as made:
            made.install(archive)
            yield made


def test_the_archive_holds_what_a_user_needs_and_nothing_of_how_it_is_tested(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        names = set(packed.getnames())
        readme = packed.extractfile("README.md")
        assert readme
        text = readme.read().decode()
    assert {name.partition("/")[0] for name in names} == {
        "CONTRIBUTING.md",
        "FILES.json",
        "LICENSE",
        "MANIFEST.json",
        "README.md",
        "changelogs",
        "docs",
        "execution-environment.yml",
        "extensions",
        "meta",
        "peelback",
        "playbooks",
        "plugins",
        "requirements.txt",
        "roles",
    }
    assert not [name for name in names if {"tests", "__pycache__", ".venv"} & set(name.split("/"))]
    links = set(re.findall(r"\]\((?!https?://)([^)#]+)", text))
    assert len(links) > 20
    assert links <= names


def test_ansible_doc_tells_of_everything_without_a_warning(controller: Controller) -> None:
    told = controller.call("ansible-doc", "--metadata-dump", "--json", "tiered.rollback")
    # From 2.20 on Ansible misses the version of a collection of its own.
    warnings = [line for line in told.stderr.splitlines() if "/ansible/_internal/" not in line]
    assert (told.returncode, warnings) == (0, [])
    kinds = json.loads(told.stdout)["all"]
    # Keywords of a play are told of whatever is asked for.
    found = {kind: sorted(entries) for kind, entries in kinds.items() if entries and kind != "keyword"}

    def named(names: list[str]) -> list[str]:
        return sorted(f"tiered.rollback.{name}" for name in names)

    assert found == {
        "callback": named(["timeline"]),
        "filter": named([path.stem for path in (ROOT / "plugins/filter").glob("*.yml")]),
        "lookup": named([path.stem for path in (ROOT / "plugins/lookup").glob("*.py")]),
        "module": named(MODULES),
        "role": named([path.name for path in (ROOT / "roles").iterdir()]),
        "test": named([path.stem for path in (ROOT / "plugins/test").glob("*.yml")]),
    }


def test_every_playbook_is_found_by_its_qualified_name(controller: Controller) -> None:
    names = [name.replace("-", "_") for name in _playbooks.names()]
    qualified = [f"tiered.rollback.{name}" for name in names]
    checked = controller.call("ansible-playbook", "--syntax-check", "-i", "localhost,", *qualified)
    assert (checked.returncode, checked.stderr) == (0, "")
    folder = controller.collections / "ansible_collections/tiered/rollback/playbooks"
    assert re.findall(r"^playbook: (.+)$", checked.stdout, re.MULTILINE) == [f"{folder}/{name}.yml" for name in names]


PEELBACK = {"project": "shop", "data": "/srv/data", "config": "/srv/mcp-config.yml", "token": "hunter2"}
AWX = {
    "project": {"url": "https://git.example.com/rollback.git"},
    "execution_environment": {"image": "registry.example.com/tiered-rollback-ee:1.0.0"},
}


@pytest.mark.parametrize(
    ("playbook", "collection", "variables"),
    [
        ("awx", "awx.awx", {"awx_setup": AWX}),
        ("peelback", "community.docker", {f"peelback_{name}": value for name, value in PEELBACK.items()}),
    ],
)
def test_a_role_that_needs_another_collection_says_which(
    controller: Controller, playbook: str, collection: str, variables: dict[str, Any]
) -> None:
    arguments = ["-i", "localhost,", "-c", "local", "-e", json.dumps(variables)]
    refused = controller.call("ansible-playbook", f"tiered.rollback.{playbook}", *arguments)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"The collection {collection} is not installed" in refused.stdout + refused.stderr
    assert f"ansible-galaxy collection install {collection}" in refused.stdout + refused.stderr


@pytest.fixture(scope="module")
def stack(controller: Controller, make_stack: Any) -> Stack:
    """v0.9.0 is captured by the installed collection; v1.0.0 runs."""
    made: Stack = make_stack()
    made.compose({"api": made.published()})
    made.deploy("v0.9.0")
    play(controller, made, "tiered.rollback.restore_point", "-e", "version=v0.9.0")
    made.deploy("v1.0.0")
    return made


def play(controller: Controller, stack: Stack, name: str, *arguments: str) -> str:
    """Run a playbook, which must succeed and warn of nothing, and return what it said."""
    stack.write_inventory()
    done = controller.call("ansible-playbook", name, "-i", str(stack.inventory), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_stack_is_taken_back_and_returned_by_qualified_names(controller: Controller, stack: Stack) -> None:
    assert "v0.9.0" in play(controller, stack, "tiered.rollback.status")
    play(controller, stack, "tiered.rollback.tier1_emergency", "-e", "version=v0.9.0")
    assert stack.image_ids() == {"api": stack.images.get("v0.9.0")}
    play(controller, stack, "tiered.rollback.undo")
    assert stack.image_ids() == {"api": stack.images.get("v1.0.0")}
    assert [entry["kind"] for entry in stack.ledger()] == ["rollback", "undo"]


def test_the_action_group_sets_defaults_of_modules(controller: Controller, stack: Stack) -> None:
    defaults = {"stack": stack.description, "state_dir": str(stack.state)}
    tasks = [
        {"name": "List restore points", "tiered.rollback.restore_point_info": {}, "register": "listed"},
        {
            "name": "Compare",
            "ansible.builtin.assert": {"that": "'v0.9.0' in listed.restore_points | map(attribute='version')"},
        },
    ]
    path = stack.inventory.with_name("play.yml")
    group = {"group/tiered.rollback.rollback": defaults}
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "module_defaults": group, "tasks": tasks}]))
    play(controller, stack, str(path))
