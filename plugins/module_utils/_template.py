# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project before variables are put in: who reads which variable and which environment file (pure)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

_VARIABLE = re.compile(r"(?<!\$)\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))", re.ASCII)


def image_variables(template: Mapping[str, Any], rendered: Mapping[str, Any]) -> dict[str, str]:
    """Find which variables image names are made of, and the values they have now.

    The value is read back from the rendered name, so that it does not matter where Compose took it from.
    """
    found: dict[str, str] = {}
    for name, service in template.get("services", {}).items():
        image = service.get("image") or ""
        names = variables(image)
        if not names or name not in rendered["services"]:
            continue
        pieces = _VARIABLE.split(image)[::3]
        pattern, seen = re.escape(pieces[0]), set()
        for variable, piece in zip(names, pieces[1:], strict=True):
            pattern += (f"(?P={variable})" if variable in seen else f"(?P<{variable}>.*)") + re.escape(piece)
            seen.add(variable)
        match = re.fullmatch(pattern, rendered["services"][name]["image"])
        if match:
            found.update(match.groupdict())
    return found


def variables(text: str) -> list[str]:
    """Return the names that a text is interpolated with, in order."""
    return [match.group(1) or match.group(2) for match in _VARIABLE.finditer(text)]


def env_files(template: Mapping[str, Any], directory: str) -> list[str]:
    """Return the ``env_file`` entries of all services that lie below a directory, relative to it."""
    entries = [entry for service in template.get("services", {}).values() for entry in service.get("env_file") or ()]
    names = [entry["path"] if isinstance(entry, dict) else entry for entry in entries]
    paths = [PurePosixPath(posixpath.normpath(posixpath.join(directory, name))) for name in names]
    root = PurePosixPath(directory)
    return list(dict.fromkeys(str(path.relative_to(root)) for path in paths if path.is_relative_to(root)))
