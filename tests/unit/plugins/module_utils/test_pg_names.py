# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _pg_names as names
from ansible_collections.tiered.rollback.plugins.module_utils._pg_names import Mark
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=63)


@given(TEXT, TEXT)
def test_a_name_fits_whatever_it_is_made_of(database: str, source: str) -> None:
    for name in (names.prepared(database, source), names.displaced(database, source)):
        assert len(name.encode()) <= 63
    assert names.is_prepared(database, names.prepared(database, source))


def test_long_names_that_begin_alike_stay_apart() -> None:
    one, two = "d" * 62 + "a", "d" * 62 + "b"
    assert names.prepared(one, "p") != names.prepared(two, "p")
    assert names.displaced(one, "r") != names.displaced(two, "r")


def test_a_short_name_says_database_and_run() -> None:
    assert names.displaced("shop", "20261120T231500Z-abcdef") == "shop_displaced_20261120T231500Z-abcdef"
    assert names.prepared("shop", "v1").startswith("shop_prepared_")


@pytest.mark.parametrize("name", ["shop", "shop_prepared_", "shop_prepared_xyz", "other_prepared_0123456789ab"])
def test_a_name_that_was_not_given_here_is_not_taken_for_one(name: str) -> None:
    assert not names.is_prepared("shop", name)


@given(st.none() | st.text())
def test_a_mark_is_read_as_it_was_written_and_carries_the_persons_comment(comment: str | None) -> None:
    written = Mark(role=names.DISPLACED, of="shop", source="r", at="now", comment=comment)
    assert names.mark(written.text()) == written


@pytest.mark.parametrize(
    "comment", [None, "", "our shop", "{}", "[]", '{"tiered.rollback": 1}', '{"tiered.rollback": {}}']
)
def test_a_persons_comment_is_no_mark(comment: str | None) -> None:
    assert names.mark(comment) is None


def test_names_are_quoted() -> None:
    assert names.identifier("we ird", 'a"b') == '"we ird"."a""b"'


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("work_mem", "8MB", ["8MB"]),
        ("search_path", '"$user", public', ["$user", "public"]),
        ("search_path", '"we ""ird", b', ['we "ird', "b"]),
        ("search_path", '""', [""]),
        ("shop.list", '"a", b', ['"a", b']),
    ],
)
def test_a_setting_that_is_a_list_is_written_as_one(name: str, value: str, expected: list[str]) -> None:
    assert names.setting_values(name, value) == expected
