# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _awx_setup
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

LEAST: dict[str, Any] = {
    "project": {"url": "https://git.example.com/rollback.git"},
    "execution_environment": {"image": "registry.example.com/ee:1.0.0"},
}
SPECIFICATION = Path(__file__).resolve().parents[4] / "roles/awx/meta/argument_specs.yml"


def test_a_repository_and_an_image_are_enough() -> None:
    found = _awx_setup.parse(LEAST)
    assert (found.organization, found.inventory) == ("Rollback", "inventories/example/hosts.yml")
    assert found.project["branch"] == "main"
    assert dict(found.drill) == {"enabled": True, "hour": 3, "minute": 0, "timezone": "UTC", "limit": ""}
    assert (found.credentials, found.playbooks, found.notifications, found.approval_timeout) == (None,) * 4


def test_the_role_documents_just_these_options() -> None:
    (setup,) = yaml.safe_load(SPECIFICATION.read_text())["argument_specs"]["main"]["options"].values()

    def bare(options: dict[str, Any]) -> dict[str, Any]:
        kept = {name: {key: spec[key] for key in spec if key != "description"} for name, spec in options.items()}
        return {name: {**spec, "options": bare(spec.get("options", {}))} for name, spec in kept.items()}

    real = {
        name: {key: spec[key] for key in spec if key != "apply_defaults"} for name, spec in _awx_setup.OPTIONS.items()
    }
    assert bare(setup["options"]) == bare(real)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project": {}}, "missing required arguments: url"),
        ({"project": {"url": "https://me:hunter2@git.example.com/x"}}, "holds a password"),
        ({"project": {"url": "{{ lookup('pipe', 'id') }}"}}, "no URL of a repository"),
        ({"project": {"url": "https://h/x", "branch": "--upload-pack=x"}}, "branch"),
        ({"project": {"url": "https://h/x", "credential": "7"}}, "project.credential is no plain name"),
        ({"execution_environment": {"image": "a b"}}, "is no image"),
        ({"inventory": "../hosts.yml"}, "may not leave its directory"),
        ({"organization": "a++b"}, "organization is no plain name"),
        ({"credentials": ["{{ x }}"]}, "credentials is no plain name"),
        ({"approval_timeout": 0}, "helps nobody"),
        ({"drill": {"timezone": "x;y"}}, "timezone"),
        ({"drill": {"limit": "$(id)"}}, "no pattern of hosts"),
        ({"notifications": [{"name": "n", "type": "pigeon", "configuration": {}}]}, "pigeon"),
        ({"colour": "blue"}, "awx_setup: colour. Supported parameters include"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RollbackError) as caught:
        _awx_setup.parse({**LEAST, **change})
    assert said in caught.value.message
    assert "hunter2" not in str(caught.value)


def test_it_is_a_dictionary() -> None:
    with pytest.raises(RollbackError, match="awx_setup must be a dictionary"):
        _awx_setup.parse(None)
