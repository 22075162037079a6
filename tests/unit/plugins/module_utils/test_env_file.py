# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _env_file
from ansible_collections.tiered.rollback.plugins.module_utils._env_file import set_variable
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import assume, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "VERSION=v2\n"),
        ("A=1", "A=1\nVERSION=v2\n"),
        ("A=1\n", "A=1\nVERSION=v2\n"),
        ("VERSION=v1\n", "VERSION=v2\n"),
        ("VERSION=v1", "VERSION=v2"),
        ("VERSION=\nB=2\n", "VERSION=v2\nB=2\n"),
        ("VERSION='v1'\n", "VERSION=v2\n"),
        ('VERSION="v1"  # kept, "as it is"\n', 'VERSION=v2  # kept, "as it is"\n'),
        ("VERSION=v1 # 'kept'\n", "VERSION=v2 # 'kept'\n"),
        ("VERSION='a # b'\n", "VERSION=v2\n"),
        (r'VERSION="a\" # b" # kept', "VERSION=v2 # kept"),
        ("export VERSION=v1\n", "export VERSION=v2\n"),
        ("  VERSION = v1\n", "  VERSION = v2\n"),
        ("VERSION=v1\r\nB=2\r\n", "VERSION=v2\r\nB=2\r\n"),
        ("VERSION=v0\nB=2\nVERSION=v1\n", "VERSION=v0\nB=2\nVERSION=v2\n"),
        ("# VERSION=v1\n", "# VERSION=v1\nVERSION=v2\n"),
        ("OLD_VERSION=v1\nVERSION_OLD=v1\n", "OLD_VERSION=v1\nVERSION_OLD=v1\nVERSION=v2\n"),
        ("A=$VERSION\n", "A=$VERSION\nVERSION=v2\n"),
    ],
)
def test_one_assignment_is_changed_and_everything_else_stays(before: str, after: str) -> None:
    assert set_variable(before, "VERSION", "v2") == after


@pytest.mark.parametrize("value", ["a b", "v1\nPASSWORD=x", "$HOME", "'x'", "a#b", "a\\b"])
def test_a_value_that_would_need_quoting_is_refused(value: str) -> None:
    with pytest.raises(RollbackError, match="VERSION cannot be set"):
        set_variable("VERSION=v1\n", "VERSION", value)


def _read(text: str) -> dict[str, str]:
    """Read an environment file independently: last assignment wins."""
    pairs = (line.removesuffix("\r").removeprefix("export ").split("=", 1) for line in text.split("\n") if "=" in line)
    return {name.strip(" \t"): value.strip(" \t") for name, value in pairs}


_NAMES = st.sampled_from(["VERSION", "VERSIONS", "A", "export_VERSION"])
_LINES = st.one_of(
    st.tuples(_NAMES, st.sampled_from(["v1", "", "'q'", "a=b"])).map("=".join),
    st.sampled_from(["# VERSION=no", "", "export VERSION=v0", "  VERSION=v0"]),
)


@given(
    st.lists(_LINES),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.from_regex(r"[A-Za-z0-9._/:@+-]*", fullmatch=True),
)
def test_the_value_is_read_back_and_no_other_variable_changes(
    lines: list[str], newline: str, ends: bool, value: str
) -> None:
    text = newline.join(lines) + (newline if ends else "")
    changed = set_variable(text, "VERSION", value)
    assert _read(changed) == {**_read(text), "VERSION": value}
    assert set_variable(changed, "VERSION", value) == changed


@given(st.text(), st.from_regex(r"[A-Z_]{1,6}", fullmatch=True))
def test_any_text_keeps_every_line_that_does_not_assign_the_variable(text: str, name: str) -> None:
    assume("\r" not in text)
    kept = [line for line in text.split("\n") if name not in line]
    changed = set_variable(text, name, "v2").split("\n")
    remaining = iter(changed)
    assert all(line in remaining for line in kept)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1\n", "1"),
        ("A=1\nA=2\n", "2"),
        ("export A = 'x y' # z\n", "x y"),
        ('A="1"', "1"),
        ("A=1 # one\n", "1"),
        ("A=a#b\n", "a#b"),
        ("A=\n", ""),
        ("#A=1\nAB=2\n", None),
        ("", None),
    ],
)
def test_the_value_of_a_name_is_read_as_compose_reads_it(text: str, wanted: str | None) -> None:
    assert _env_file.value(text, "A") == wanted


def test_every_name_that_is_assigned_is_listed_once() -> None:
    assert _env_file.names("B=1\n# C=2\nexport A=3\nB=4\n no\n") == ["B", "A"]
