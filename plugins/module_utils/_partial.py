# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for where only a part of a stack goes back, and what of the project belongs to that part (pure)."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _plan, _template
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._flags import Value

_FLAG = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS: Mapping[str, bool] = {"true": True, "false": False}
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for; empty where the whole stack is meant.

    :param components: services, or patterns of their names, that go to a version.
    :param flags: feature flags and the value each shall have.
    :param config: name of the backup whose files go back, or ``newest``.
    :param keep: services, or patterns, that must not be touched.
    :param snapshot: id of the snapshot that the MCP container's data goes back to; or `levels`, how many back.
    """

    components: tuple[str, ...] = ()
    flags: Mapping[str, Value] = field(default_factory=dict)
    config: str | None = None
    keep: tuple[str, ...] = ()
    snapshot: str | None = None
    levels: int | None = None

    @property
    def data(self) -> bool:
        """Whether the MCP container's data is asked for."""
        return self.snapshot is not None or self.levels is not None

    def __bool__(self) -> bool:
        return bool(self.components or self.flags or self.config or self.data)


def parse(
    components: Sequence[str],
    flags: Mapping[str, Any],
    config: str | None,
    keep: Sequence[str],
    *,
    snapshot: str | None = None,
    levels: int | None = None,
) -> Request:
    """Check what a module was given.

    :raises RollbackError: for a name that no environment file can assign, or a value that is neither text, number nor
        yes or no.
    """
    return Request(
        components=tuple(components),
        flags={_flag(name): _value(name, value) for name, value in flags.items()},
        config=config,
        keep=tuple(keep),
        snapshot=snapshot,
        levels=levels,
    )


def given(params: Mapping[str, Any]) -> Request:
    """Return the part of the stack that a module was asked for."""
    more = {"snapshot": params["snapshot"], "levels": params["levels"]}
    return parse(params["components"], params["flags"], params["config"], params["keep"], **more)


def services(patterns: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the services that names or patterns (``mcp-*``) mean, in order.

    :raises RollbackError: naming what there is, for one that means none.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        mine = fnmatch.filter(sorted(known), pattern)
        if not mine:
            raise RollbackError(
                f"no service of this stack is called {pattern}", f"Its services: {', '.join(sorted(known))}."
            )
        found |= dict.fromkeys(mine)
    return tuple(found)


def label(request: Request, names: Sequence[str], version: str | None) -> str:
    """Say in a few characters what is asked for, as a part of a version's name."""
    parts = [f"{'-'.join(names) if len(names) < 3 else f'{len(names)}-services'}-{version}"] if names else []
    parts += [f"{name}-{value}".lower() for name, value in request.flags.items()]
    parts += ["config"] if request.config else []
    parts += ["mcp-data"] if request.data else []
    return re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))[:_SHOWN]


def own_variables(template: Mapping[str, Any], names: Collection[str]) -> set[str]:
    """Return the variables that nothing of the project is made of but these services.

    :param template: the project before variables are put in.
    """
    mine = {name: entry for name, entry in template["services"].items() if name in names}
    rest = {name: entry for name, entry in template["services"].items() if name not in names}
    others = json.dumps({**template, "services": rest})
    return set(_template.variables(json.dumps(mine))) - set(_template.variables(others))


def own_files(
    template: Mapping[str, Any],
    definition: Mapping[str, Any],
    directory: str,
    names: Collection[str],
    paths: Iterable[str],
) -> list[str]:
    """Return those of some files that are read by these services and by no other."""

    def reads(service: str, path: str) -> bool:
        entry = {"services": {service: template["services"][service]}}
        return path in _template.env_files(entry, directory) or bool(
            _plan.reads(directory, definition, service, {path})
        )

    readers = {path: {service for service in template["services"] if reads(service, path)} for path in paths}
    return [path for path, found in readers.items() if found and found <= set(names)]


def refuse_shared_images(names: Collection[str], definition: Mapping[str, Any], moved: Collection[str]) -> None:
    """Refuse to move an image name that a service runs by which is to be left alone.

    :param moved: image names that would point to another image.
    """
    for service, entry in definition["services"].items():
        image = _plan.tagged(entry.get("image") or "")
        if service not in names and image in moved:
            raise RollbackError(
                f"service {service} has the same image name as what goes back ({image}), and would follow at its next "
                "start",
                f"Name it too (component={','.join(sorted([*names, service]))}), or give it an image name of its own.",
            )


def refuse_restarted(names: Collection[str], definition: Mapping[str, Any]) -> None:
    """Refuse a part whose replacement would make Compose restart a service that is to be left alone."""
    for service, entry in definition["services"].items():
        on = entry.get("depends_on") or {}
        for name in sorted(set(on) & set(names)):
            if service not in names and on[name].get("restart"):
                raise RollbackError(
                    f"Compose restarts {service} when {name} is replaced (depends_on with restart: true)",
                    f"Name it too: component={','.join(sorted([*names, service]))}.",
                )


def refuse_kept(scope: Collection[str], kept: Collection[str]) -> None:
    """Refuse to touch what is stated to be kept."""
    if both := sorted(set(scope) & set(kept)):
        raise RollbackError(
            f"{', '.join(both)} would be touched, and is stated to be kept",
            "It reads a file that changes, or is named in both lists. Take it out of 'keep', or leave the change out.",
        )


def _flag(name: str) -> str:
    if not _FLAG.fullmatch(str(name)):
        raise RollbackError(f"{name!r:.120} cannot be the name of a feature flag", "Use letters, digits and '_'.")
    return str(name)


def _value(name: str, value: Any) -> Value:
    # What came by a command line is text, whatever it means.
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    if not isinstance(value, (bool, int, str)):
        raise RollbackError(f"flag {name} cannot be {value!r:.80}", "Give true, false, a whole number or a word.")
    return value
