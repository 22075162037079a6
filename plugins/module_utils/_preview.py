# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose would make of a project whose files had other contents; nothing of the project is touched."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._compose import Compose
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack


def render(stack: Stack, project: str, contents: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return the project as Compose would render it.

    Compose reads some files by the project's directory and cannot be told otherwise (``env_file``, ``include``), so it
    is shown a directory of links to all that stays as it is, with links at each level above it too, for ``../``.

    :param project: the Compose project's name, which depends on the directory where nobody states it.
    :param contents: by path relative to the project's directory; None where there would be no file.
    :raises RollbackError: when the files are not valid together, with what Compose says of them.
    """
    inside = PurePosixPath(stack.project_src).relative_to("/")
    with tempfile.TemporaryDirectory(prefix="tiered-rollback-") as shown:
        _mirror(Path("/"), Path(shown), {inside / path: data for path, data in contents.items()})
        there = replace(stack, project_src=f"{shown}/{inside}", project_name=project)
        rendered = json.dumps(Compose(there).render())
    return dict(json.loads(rendered.replace(shown, "")))


def _mirror(source: Path, shown: Path, contents: Mapping[PurePosixPath, bytes | None]) -> None:
    below: dict[str, dict[PurePosixPath, bytes | None]] = {}
    for path, data in contents.items():
        if len(path.parts) > 1:
            below.setdefault(path.parts[0], {})[PurePosixPath(*path.parts[1:])] = data
        elif data is not None:
            (shown / path).write_bytes(data)
    for name, deeper in below.items():
        (shown / name).mkdir()
        _mirror(source / name, shown / name, deeper)
    own = {path.parts[0] for path in contents}
    for entry in source.iterdir() if source.is_dir() else ():
        if entry.name not in own:
            (shown / entry.name).symlink_to(entry)
