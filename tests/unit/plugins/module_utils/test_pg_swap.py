# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_names as names
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_swap
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import Mark
from ansible_collections.tiered.rollback.plugins.module_utils._pg_swap import Exchange

ONE = Exchange(database="shop", staged="shop_prepared_1", run="r1")


class Session:
    """Databases with their comments; renaming fails as often as it is told to."""

    def __init__(self, comments: dict[str, str | None], failures: list[str] | None = None) -> None:
        self.comments, self.failures = comments, failures or []
        self.ran: list[str] = []

    def rows(self, query: str, *_values: Any) -> list[Any]:
        if "pg_stat_activity" in query:
            return []
        return list(self.comments.items())

    def value(self, query: str, *values: Any) -> Any:
        (name,) = values
        if "size" in query:
            return 8
        if "datallowconn" in query:
            return True if name in self.comments else None
        return self.comments.get(name)

    def run(self, statement: str, *values: Any) -> None:
        if "RENAME" in statement and self.failures:
            raise RollbackError("in use", sqlstate=self.failures.pop(0))
        self.ran.append(statement % values if values else statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.ran.append("BEGIN")
        yield
        self.ran.append("COMMIT")


def _prepared(**changes: Any) -> str:
    return Mark(
        **{"role": names.PREPARED, "of": "shop", "source": "p", "at": "now", "comment": "ours", **changes}
    ).text()


def test_both_are_renamed_in_one_transaction_and_comments_move_along() -> None:
    session = Session({"shop": "today's", "shop_prepared_1": _prepared()})
    _pg_swap.exchange(session, [ONE])  # type: ignore[arg-type]
    inside = session.ran[session.ran.index("BEGIN") : session.ran.index("COMMIT")]
    assert inside[1:3] == [
        'ALTER DATABASE "shop" RENAME TO "shop_displaced_r1"',
        'ALTER DATABASE "shop_prepared_1" RENAME TO "shop"',
    ]
    aside = names.mark(inside[3].removeprefix('COMMENT ON DATABASE "shop_displaced_r1" IS '))
    assert aside
    assert (aside.role, aside.source, aside.comment) == (names.DISPLACED, "r1", "today's")
    assert inside[4:] == ['COMMENT ON DATABASE "shop" IS ours', 'ALTER DATABASE "shop" ALLOW_CONNECTIONS true']


def test_a_swap_that_was_done_is_not_done_again() -> None:
    session = Session({"shop": None, "aside": _prepared(role=names.DISPLACED, source="r1")})
    _pg_swap.exchange(session, [ONE])  # type: ignore[arg-type]
    assert session.ran == ['ALTER DATABASE "shop" ALLOW_CONNECTIONS true']


def test_somebody_who_comes_in_between_is_ended_again() -> None:
    session = Session({"shop": None, "shop_prepared_1": _prepared()}, ["55006", "55006"])
    _pg_swap.exchange(session, [ONE])  # type: ignore[arg-type]
    assert (session.ran.count("BEGIN"), session.ran.count("COMMIT")) == (3, 1)


def test_a_swap_that_fails_opens_the_live_database_again() -> None:
    session = Session({"shop": None, "shop_prepared_1": _prepared()}, ["42501"])
    with pytest.raises(RollbackError, match="in use"):
        _pg_swap.exchange(session, [ONE])  # type: ignore[arg-type]
    assert session.ran[-1] == 'ALTER DATABASE "shop" ALLOW_CONNECTIONS true'


@pytest.mark.parametrize(
    "comment", [None, "a person's", _prepared(role=names.PREPARING), _prepared(of="other")], ids=str
)
def test_only_a_whole_copy_of_this_database_is_swapped_in(comment: str | None) -> None:
    session = Session({"shop": None, "shop_prepared_1": comment})
    with pytest.raises(RollbackError, match="no whole copy of database shop"):
        _pg_swap.exchange(session, [ONE])  # type: ignore[arg-type]
    assert session.ran == []


def test_without_a_live_database_there_is_nothing_to_put_aside() -> None:
    with pytest.raises(RollbackError, match="no database shop"):
        _pg_swap.exchange(Session({"shop_prepared_1": _prepared()}), [ONE])  # type: ignore[arg-type]


def test_what_was_put_aside_is_listed_oldest_first() -> None:
    comments = {
        "b": _prepared(role=names.DISPLACED, source="r2", at="2026-02"),
        "a": _prepared(role=names.DISPLACED, source="r1", at="2026-01"),
        "other": _prepared(role=names.DISPLACED, of="other"),
        "shop": None,
    }
    assert [(one.name, one.run, one.size) for one in _pg_swap.listed(Session(comments), "shop")] == [  # type: ignore[arg-type]
        ("a", "r1", 8),
        ("b", "r2", 8),
    ]


def test_what_is_whole_is_listed() -> None:
    session = Session({"a": _prepared(), "b": _prepared(role=names.PREPARING)})
    assert _pg_swap.prepared(session, "shop") == ["a"]  # type: ignore[arg-type]


def test_what_is_half_made_of_this_database_is_listed_and_no_other() -> None:
    comments = {
        "a": _prepared(),
        "b": _prepared(role=names.PREPARING),
        "c": _prepared(role=names.PREPARING, of="other"),
        "shop_prepared_0123456789ab": "a person's",
    }
    assert _pg_swap.half_made(Session(comments), "shop") == ["b"]  # type: ignore[arg-type]
