# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in configuration, told so that a person sees it and no secret shows (pure).

Files hold passwords in every place one can think of. So names are told and values are not, but for names of images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils import _env_file

_SHOWN = 60


def of_file(path: str, before: bytes | None, after: bytes | None) -> str:
    """Tell what changes in a file: the variables of an environment file, of any other how many lines."""
    name = path.rpartition("/")[2]
    if not (name == "env" or name.startswith(".env") or name.endswith(".env")):
        old, new = (set((data or b"").splitlines()) for data in (before, after))
        return f"{path}: {len(old - new)} lines go, {len(new - old)} lines come"
    old_text, new_text = ((data or b"").decode(errors="replace") for data in (before, after))
    told = []
    for variable in dict.fromkeys([*_env_file.names(old_text), *_env_file.names(new_text)]):
        was, will = _env_file.value(old_text, variable), _env_file.value(new_text, variable)
        if was != will:
            what = "is gone" if will is None else "is new" if was is None else "is another one"
            told.append(f"{variable} {what}")
    return f"{path}: {', '.join(told[:_SHOWN]) or 'no variable changes'}"


def of_project(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Tell which settings of a rendered project change, by their dotted names."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    told = []
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        if name.endswith(".image"):
            told.append(f"{name}: {old.get(name, 'absent')} -> {new.get(name, 'absent')}")
        else:
            told.append(f"{name} {'is gone' if name not in new else 'is new' if name not in old else 'is another one'}")
    return told[:_SHOWN]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _leaves(entry, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
