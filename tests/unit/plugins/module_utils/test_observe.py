# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _observe
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import FilePart


def test_a_stack_is_seen_with_containers_tags_variables_and_files(deployment: Any, build: Any) -> None:
    context = deployment.context()
    now = _observe.observe(context.stack, deployment.engine, deployment.compose)
    assert (now.project, now.variables) == ("shop", {"VERSION": "v0.9.0"})
    assert {container.service for container in now.containers} == {"api", "web"}
    assert now.tags["shop:v1.0.0"] == build.image_id("v1.0.0")
    assert set(now.files) == {"compose.yml", ".env"}
    assert now.hashes == deployment.compose.hashes()
    assert deployment.world.calls == []


def test_looking_again_sees_new_containers_with_the_same_files(deployment: Any) -> None:
    now = _observe.observe(deployment.context().stack, deployment.engine, deployment.compose)
    deployment.world.running.pop()
    again = _observe.refresh(now, deployment.engine)
    assert len(again.containers) == len(now.containers) - 1
    assert again.files == now.files


def test_a_directory_that_does_not_exist_is_named(build: Any, deployment: Any) -> None:
    with pytest.raises(RollbackError, match="project_src does not exist on the target: /no/such"):
        _observe.observe(build.stack(project_src="/no/such"), deployment.engine, deployment.compose)


def test_an_invalid_compose_file_is_an_error(deployment: Any) -> None:
    (deployment.src / "compose.yml").write_text("{")
    with pytest.raises(RollbackError, match="invalid"):
        _observe.observe(deployment.context().stack, deployment.engine, deployment.compose)


@pytest.mark.parametrize(
    ("there", "changes", "wanted"),
    [
        ([], {"config": ["a", "b"]}, ("a", "b")),
        ([], {"config": []}, ()),
        ([], {"files": ["x.yml"]}, ("x.yml", ".env")),
        ([], {"files": ["x.yml"], "env_files": ["p.env", "q.env"]}, ("x.yml", "p.env", "q.env")),
        (["docker-compose.yml"], {}, ("docker-compose.yml", ".env")),
        (["compose.yaml", "docker-compose.yml"], {}, ("compose.yaml", ".env")),
        (["compose.yml", "compose.override.yml"], {}, ("compose.yml", "compose.override.yml", ".env")),
        ([], {}, (".env",)),
    ],
)
def test_the_configuration_is_what_is_stated_or_what_compose_itself_would_find(
    tmp_path: Path, build: Any, there: list[str], changes: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    for name in there:
        (tmp_path / name).touch()
    assert _observe.config_paths(build.stack(project_src=str(tmp_path), **changes), {}) == wanted


def test_a_file_is_described_with_sum_size_mode_and_owner(tmp_path: Path, build: Any) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "a").chmod(0o640)
    part = _observe.file_part(tmp_path / "a")
    assert part.sha256 == build.file_part(b"one\n").sha256
    assert (part.size, part.mode, part.uid) == (4, 0o640, (tmp_path / "a").stat().st_uid)
    assert _observe.file_part(tmp_path / "none") == FilePart(sha256=None)
