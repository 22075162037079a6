# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_catalog as catalog


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
            "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
        ),
        ("SELECT a\n   FROM t", "SELECT a FROM t"),
    ],
)
def test_what_a_dump_and_restore_print_otherwise_is_no_change(before: str, after: str) -> None:
    assert catalog.normal(before) == catalog.normal(after)


@pytest.mark.parametrize(
    ("one", "other"), [("a::integer", "a::bigint"), ("CHECK (a > 1)", "CHECK (a > 2)"), ("'a b'", "'ab'")]
)
def test_what_is_a_change_stays_one(one: str, other: str) -> None:
    assert catalog.normal(one) != catalog.normal(other)


def test_grants_on_a_database_become_statements() -> None:
    assert catalog.grant_statements('s"x', [[None, "CONNECT", False], ["app", "CREATE", True]], "owner") == [
        'REVOKE ALL ON DATABASE "s""x" FROM PUBLIC, "owner"',
        'GRANT CONNECT ON DATABASE "s""x" TO PUBLIC',
        'GRANT CREATE ON DATABASE "s""x" TO "app" WITH GRANT OPTION',
    ]
    assert catalog.grant_statements("s", None, "owner") == []
