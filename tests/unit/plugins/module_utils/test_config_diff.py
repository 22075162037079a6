# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _config_diff
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("path", "before", "after", "wanted"),
    [
        (
            ".env",
            b"A=1\nB=2\nC=3\n",
            b"A=hunter2\nC=3\nD=hunter2\n",
            ".env: A is another one, B is gone, D is new",
        ),
        ("conf/api.env", None, b"A=hunter2\n", "conf/api.env: A is new"),
        (".env.production", b"A=1", b"# A=1\nA=1\n", ".env.production: no variable changes"),
        (
            "settings.conf",
            b"password hunter2\nx\n",
            b"password other\nx\ny\n",
            "settings.conf: 1 lines go, 2 lines come",
        ),
        ("compose.yml", b"a\n", None, "compose.yml: 1 lines go, 0 lines come"),
    ],
)
def test_a_files_changes_are_told_without_a_value(
    path: str, before: bytes | None, after: bytes | None, wanted: str
) -> None:
    assert _config_diff.of_file(path, before, after) == wanted


def test_a_projects_changes_are_told_by_name_and_images_with_both() -> None:
    before = {"services": {"api": {"image": "api:1", "environment": {"PASSWORD": "old", "X": "1"}}, "gone": {}}}
    after = {"services": {"api": {"image": "api:2", "environment": {"PASSWORD": "hunter2"}, "ports": [80]}}}
    assert _config_diff.of_project(before, after) == [
        "services.api.environment.PASSWORD is another one",
        "services.api.environment.X is gone",
        "services.api.image: api:1 -> api:2",
        "services.api.ports is new",
        "services.gone is gone",
    ]
    assert _config_diff.of_project(before, before) == []


_VALUES = st.recursive(st.just("hunter2"), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=9)


@given(_VALUES, _VALUES)
def test_no_value_ever_shows(before: Any, after: Any) -> None:
    assert "hunter2" not in repr(_config_diff.of_project({"x": before}, {"x": after}))
