# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs now: the project as its files render it, its containers, its images and its configuration files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _files, _template
from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import FilePart, RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

#: Names that Compose looks for by itself, in its order; the override is added to the first that exists.
_DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_DEFAULT_OVERRIDES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A stack as it is at one moment.

    :param definition: the rendered project.
    :param hashes: Compose's configuration hash per service, from the files as they are now.
    :param variables: variables that image names are made of, and their values.
    :param containers: containers of the project, one-offs left out.
    :param tags: every image name on the host, with the id it points to now.
    :param files: configuration files by path relative to the project's directory.
    :param flags: feature flags that the application keeps itself, where they were asked for.
    :param mcp: id of the snapshot that the MCP container's data equals, where that was asked for.
    """

    project: str
    definition: Mapping[str, Any]
    hashes: Mapping[str, str]
    variables: Mapping[str, str]
    containers: tuple[Container, ...]
    tags: Mapping[str, str]
    files: Mapping[str, FilePart]
    flags: Mapping[str, bool | int | str] = field(default_factory=dict)
    mcp: str | None = None

    def of(self, service: str) -> tuple[Container, ...]:
        """Containers of one service."""
        return tuple(container for container in self.containers if container.service == service)


def observe(stack: Stack, engine: Engine, compose: Compose, also: Iterable[str] = ()) -> Observed:
    """Look at a stack; changes nothing.

    :param also: paths of files that count as configuration this time.

    :raises RollbackError: when the Compose files are missing or invalid, or the engine does not answer.
    """
    if not Path(stack.project_src).is_dir():
        raise RollbackError(
            f"rollback_stack.project_src does not exist on the target: {stack.project_src}",
            "Correct the path; it is the directory that holds the Compose file.",
        )
    # Each call of Compose costs 0.15 s of start-up, whatever it is asked.
    with ThreadPoolExecutor(max_workers=2) as pool:
        template = pool.submit(compose.template)
        definition = compose.render()
        hashes = compose.hashes(definition)
    return Observed(
        project=definition["name"],
        definition=definition,
        hashes=hashes,
        variables=_template.image_variables(template.result(), definition),
        containers=tuple(engine.containers(definition["name"])),
        tags=engine.tags(),
        files={
            path: file_part(Path(stack.project_src) / path)
            for path in dict.fromkeys([*config_paths(stack, template.result()), *also])
        },
    )


def recall(
    stack: Stack, engine: Engine, definition: Mapping[str, Any], hashes: Mapping[str, str], point: RestorePoint
) -> Observed | None:
    """Look at a stack through what Compose rendered for a point captured a moment ago; None where a file changed since.

    Saves the three calls of Compose, a good third of a second just before the outage.
    """
    files = {path: file_part(Path(stack.project_src) / path) for path in point.files}
    if files != point.files:
        return None
    return Observed(
        project=point.project,
        definition=definition,
        hashes=hashes,
        variables=point.variables,
        containers=tuple(engine.containers(point.project)),
        tags=engine.tags(),
        files=files,
    )


def refresh(now: Observed, engine: Engine) -> Observed:
    """Look at the containers again, taking the files as unchanged."""
    return replace(now, containers=tuple(engine.containers(now.project)))


def config_paths(stack: Stack, template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the configuration files of a stack: those stated, or the Compose and environment files in use.

    :param template: the project before variables are put in; it names the environment files of services.
    """
    if stack.config is not None:
        return stack.config
    directory = Path(stack.project_src)
    files = list(stack.files)
    if not files:
        files = [name for name in _DEFAULT_FILES if (directory / name).is_file()][:1]
        files += [name for name in _DEFAULT_OVERRIDES if (directory / name).is_file()][:1]
    services = _template.env_files(template, stack.project_src)
    return tuple(dict.fromkeys([*files, *(stack.env_files or (".env",)), *services]))


def file_part(path: Path) -> FilePart:
    """Describe a file as it is; its sum is None where there is none."""
    data = _files.read(path)
    if data is None:
        return FilePart(sha256=None)
    stat = path.stat()
    return FilePart(
        sha256=_files.sha256(data),
        size=len(data),
        mode=stat.st_mode & 0o7777,
        uid=stat.st_uid,
        gid=stat.st_gid,
    )
