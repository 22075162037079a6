# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature flags: what the stack's description says of them, who reads them, and how they are set (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.tiered.rollback.plugins.module_utils import _env_file, _template
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

FLAG_SPEC: dict[str, dict[str, Any]] = {
    "status_url": {"type": "str"},
    "status_path": {"type": "str"},
    "api_url": {"type": "str"},
    "api_method": {"type": "str", "choices": ["PUT", "POST", "PATCH"], "default": "PUT"},
    "api_body": {"type": "raw", "default": {"value": "{value}"}},
    "headers": {"type": "dict", "default": {}, "no_log": True},
    "timeout": {"type": "float", "default": 5.0},
}
#: Words for yes and no; the one that a file uses now is kept.
_PAIRS = (("true", "false"), ("1", "0"), ("on", "off"), ("yes", "no"), ("enabled", "disabled"))

Value: TypeAlias = "bool | int | str"


@dataclass(frozen=True, kw_only=True)
class Flag:
    """What a user may say of one feature flag; without anything it is a variable of an environment file.

    :param status_url: where the application tells what the flag is; `status_path` is the dotted path in the answer.
    :param api_url: where the application is told to set it; None: in its environment file.
    :param api_body: JSON sent there, in which ``{value}`` stands for the value.
    :param timeout: seconds for one request.
    """

    name: str
    status_url: str | None = None
    status_path: str | None = None
    api_url: str | None = None
    api_method: str = "PUT"
    api_body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 5.0


def refuse_halves(flag: Flag, where: str) -> None:
    """Refuse a description with which a flag could be set and not be seen."""
    if bool(flag.status_url) != bool(flag.status_path):
        raise RollbackError(f"{where} needs both status_url and status_path, or neither", "Complete it.")
    if flag.api_url and not flag.status_url:
        raise RollbackError(
            f"{where} has an api_url and no status_url",
            "Say where the flag can be read (status_url, status_path), so that setting it can be verified and undone.",
        )


def filled(body: Any, value: Value) -> Any:
    """Return a JSON document with the value wherever ``{value}`` stands."""
    if isinstance(body, Mapping):
        return {key: filled(entry, value) for key, entry in body.items()}
    if isinstance(body, (list, tuple)):
        return [filled(entry, value) for entry in body]
    return value if body == "{value}" else body


def spelled(value: Value, now: str | None) -> str:
    """Return a value as an environment file has it: yes and no in the words and the case that are used there now."""
    if not isinstance(value, bool):
        return str(value)
    for pair in _PAIRS:
        if now is not None and now.lower() in pair:
            word = pair[0] if value else pair[1]
            return word.upper() if now.isupper() else word.capitalize() if now[:1].isupper() else word
    return "true" if value else "false"


def alike(told: Any, wanted: Any) -> bool:
    """Whether an application tells a value, be it as text or in another word for yes and no."""
    if isinstance(told, str) == isinstance(wanted, str):
        return bool(told == wanted)
    text, other = (told, wanted) if isinstance(told, str) else (wanted, told)
    return isinstance(other, (bool, int)) and spelled(other, text) == text


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a flag comes from.

    :param files: environment files that it has to be set in.
    :param services: services that read it.
    """

    files: tuple[str, ...]
    services: tuple[str, ...]


def sources(
    name: str, template: Mapping[str, Any], directory: str, variable_file: str, contents: Mapping[str, bytes | None]
) -> Sources:
    """Find who reads a variable, and the files that it has to be set in.

    :param template: the project before variables are put in.
    :param variable_file: the environment file that Compose puts variables in from.
    :param contents: the environment files, by path relative to *directory*.
    :raises RollbackError: when no service reads it, or it is written in the Compose file itself.
    """
    used = re.compile(rf"(?<!\$)\$(?:\{{{re.escape(name)}\b|{re.escape(name)}\b)")
    files, readers = dict[str, None](), set()
    for service, entry in template.get("services", {}).items():
        environment = entry.get("environment") or {}
        if environment.get(name) is not None and not used.search(str(environment[name])):
            raise RollbackError(
                f"flag {name} of service {service} is written in the Compose file itself",
                f"Write {name}: ${{{name}:-...}} there, or leave it to an env_file, and bring the stack up once.",
            )
        if used.search(json.dumps(entry)) or name in environment:
            files[variable_file] = None
            readers.add(service)
        for path in _template.env_files({"services": {service: entry}}, directory):
            if _env_file.value(_env_file.text(contents.get(path)), name) is not None:
                files[path] = None
                readers.add(service)
    if not readers:
        raise RollbackError(
            f"no service reads the flag {name}",
            f"Flags that are read: {', '.join(known(template, directory, contents)) or 'none'}.",
        )
    return Sources(files=tuple(files), services=tuple(sorted(readers)))


def known(template: Mapping[str, Any], directory: str, contents: Mapping[str, bytes | None]) -> list[str]:
    """Name the variables that any service reads, for who mistyped one."""
    services = json.dumps(template.get("services", {}))
    found = set(_template.variables(services))
    for path in _template.env_files(template, directory):
        found |= set(_env_file.names(_env_file.text(contents.get(path))))
    return sorted(found)


def edited(contents: Mapping[str, bytes | None], files: Collection[str], name: str, value: Value) -> dict[str, bytes]:
    """Return the files with the flag set."""
    found = {}
    for path in files:
        now = contents.get(path)
        found[path] = _env_file.assigned(now, name, spelled(value, _env_file.value(_env_file.text(now), name)))
    return found
