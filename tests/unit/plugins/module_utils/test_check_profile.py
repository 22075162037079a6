# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _check_kinds, _check_profile
from ansible_collections.tiered.rollback.plugins.module_utils._check_profile import Material
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_PROFILES = sorted((Path(__file__).resolve().parents[4] / "roles/verify/files").glob("*.yml"))
_SERVERS = {"prometheus": "http://p", "alertmanager": "http://a"}


def _material(build: Any, **changes: Any) -> Material:
    stack = build.stack(
        services={"web": {"checks": [{"url": "http://x/api"}, {"url": "http://x/"}]}},
        postgres=[{"database": "shop", "host": "db"}],
        sqlite=[{"name": "small", "path": "/small.db"}],
        mcp={"url": "http://mcp", "token": "t"},
    )
    values = {"stack": stack, "services": ["web", "db"], "pages": ["http://x/"], "servers": _SERVERS}
    return Material(**{**values, **changes})


@pytest.mark.parametrize("path", _PROFILES, ids=lambda path: path.stem)
def test_a_profile_of_the_role_is_complete_and_right_for_a_stack_with_everything(build: Any, path: Path) -> None:
    material = _material(build)
    checks, left_out = _check_profile.expand(yaml.safe_load(path.read_text()), {}, material)
    prepared = _check_kinds.parse(checks, "profile", material.stack, _SERVERS)
    assert len(prepared) >= 5
    assert left_out == []


@pytest.mark.parametrize("path", _PROFILES, ids=lambda path: path.stem)
def test_what_a_stack_does_not_have_is_said_to_be_left_out(build: Any, path: Path) -> None:
    bare = Material(stack=build.stack(), services=["web"], pages=[], servers={})
    _checks, left_out = _check_profile.expand(yaml.safe_load(path.read_text()), {}, bare)
    assert any("no service has a check" in each for each in left_out)
    assert any("verify_prometheus is not set" in each for each in left_out)


def test_budgets_are_put_in_and_can_be_overridden(build: Any) -> None:
    profile = {"budgets": {"fast": 5, "other": 6}, "checks": [{"every": "api", "p95": "budget:fast"}]}
    (own,), _none = _check_profile.expand(profile, {}, _material(build))
    (mine,), _none = _check_profile.expand(profile, {"fast": 9}, _material(build))
    assert (own["p95"], mine["p95"], own["url"], own["name"]) == (5, 9, "http://x/api", "web-0")


@pytest.mark.parametrize(
    ("profile", "budgets", "expected"),
    [
        ({}, {}, "checks"),
        ({"checks": [], "chekcs": []}, {}, "chekcs"),
        ({"checks": [{"every": "thing"}]}, {}, "Known: api, page"),
        ({"checks": [{"every": "api", "p95": "budget:x"}]}, {}, "names budget x"),
        ({"budgets": {"a": 1}, "checks": []}, {"b": 2}, "Its budgets: a"),
    ],
)
def test_a_profile_that_is_wrong_is_refused(build: Any, profile: Any, budgets: Any, expected: str) -> None:
    with pytest.raises(RollbackError) as caught:
        _check_profile.expand(profile, budgets, _material(build))
    assert expected in str(caught.value)
