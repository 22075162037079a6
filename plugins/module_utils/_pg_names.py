# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and marks of the databases that lie beside a live one (pure)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ansible_collections.tiered.rollback.plugins.module_utils import _shape

_KEY = "tiered.rollback"
#: NAMEDATALEN - 1: PostgreSQL cuts a longer name without an error, and two could become one.
_LONGEST = 63
_HASH = 12

PREPARING = "preparing"
PREPARED = "prepared"
DISPLACED = "displaced"

#: Settings whose value is a list of names; as one literal it would be the name of one thing.
_LISTS = {
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
}
_ELEMENT = re.compile(r'"((?:[^"]|"")*)"|([^,\s]+)')


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a database beside the live one says of itself, as its comment.

    :param role: ``preparing`` (half made), ``prepared`` or ``displaced``.
    :param of: the live database's name.
    :param source: the restore point it was made from, or the run that put it aside.
    :param at: when, UTC, ISO 8601.
    :param comment: the comment the database had, and shall have again once it is live.
    """

    role: str
    of: str
    source: str
    at: str
    comment: str | None = None

    def text(self) -> str:
        """Return the comment that carries this."""
        return json.dumps({_KEY: asdict(self)}, sort_keys=True, ensure_ascii=False)


def mark(comment: str | None) -> Mark | None:
    """Read a database's comment; None where it is a person's, or there is none."""
    try:
        return _shape.read(Mark, json.loads(comment or "")[_KEY], "mark")
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def prepared(database: str, point: str) -> str:
    """Name the database that a restore point is restored into, beside the live one."""
    return _fitted(database, "prepared", _short(f"{database}\0{point}"))


def is_prepared(database: str, name: str) -> bool:
    """Whether :func:`prepared` could have given a name."""
    ending = name[-_HASH:]
    return re.fullmatch("[0-9a-f]+", ending) is not None and name == _fitted(database, "prepared", ending)


def displaced(database: str, run: str) -> str:
    """Name the live database once *run* has put it aside."""
    name = f"{database}_{DISPLACED}_{run}"
    return name if len(name.encode()) <= _LONGEST else _fitted(database, DISPLACED, _short(f"{database}\0{run}"))


def _fitted(database: str, role: str, ending: str) -> str:
    rest = f"_{role}_{ending}"
    # Cut by bytes, never through a character; the hash in the ending is made of the whole name.
    return database.encode()[: _LONGEST - len(rest)].decode(errors="ignore") + rest


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]


def identifier(*names: str) -> str:
    """Quote a name for SQL; several become a qualified one."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def setting_values(name: str, value: str) -> Sequence[str]:
    """Return the values to write after ``SET name =``, each as a literal of its own.

    Custom settings may hold any text; those that are lists are stored as quoted names with commas.
    """
    if name not in _LISTS:
        return [value]
    found = [quoted.replace('""', '"') or bare for quoted, bare in _ELEMENT.findall(value)]
    return found or [""]
