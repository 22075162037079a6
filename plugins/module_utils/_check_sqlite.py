# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that an SQLite database is sound, while the application works with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.tiered.rollback.plugins.module_utils import _check_sql, _sqlite_file
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind, Subject
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._sqlite import SqliteDatabase

SPEC: dict[str, dict[str, Any]] = {
    "sqlite": {"type": "str", "required": True},
    "full": {"type": "bool", "default": True},
}
_SHOWN = 5


def refuse(values: Mapping[str, Any], where: str, stack: Stack) -> None:
    """Refuse a database that the stack does not describe as SQLite."""
    _check_sql.refuse_unknown(values["sqlite"], where, [each.name for each in stack.sqlite])


def look(values: Mapping[str, Any], subject: Subject) -> Found:
    """Have SQLite look at every page; with ``full`` also at every index."""
    database = cast("SqliteDatabase", subject.databases[values["sqlite"]])
    check = "integrity_check" if values["full"] else "quick_check"
    with _sqlite_file.opened(database.live) as connection:
        wrong = [str(row[0]) for row in connection.execute(f"PRAGMA {check}({_SHOWN})")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    return judge(wrong, [f"row {row} of {table}" for table, row, *_rest in broken])


def judge(said: Sequence[str], broken: Sequence[str]) -> Found:
    """Judge what SQLite said.

    :param broken: rows that refer to one that is not there.
    """
    wrong = ["; ".join(said)] if list(said) != ["ok"] else []
    wrong += [f"foreign keys without a row: {', '.join(broken)}"] if broken else []
    hint = "status.yml lists the restore points; tier2-standard.yml brings one's data back."
    return Found(ok=not wrong, expected="a sound file", found="; ".join(wrong) or "sound", hint=hint if wrong else "")


KIND = Kind(key="sqlite", spec=SPEC, look=look, refuse=refuse)
