# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import github_pull_request


def test_a_branch_is_proposed_once(ci: Any) -> None:
    ci.project.push({"x": "x"}, "revert", branch="rollback/1")
    params = {"head": "rollback/1", "title": "Revert it", "body": "Because."}
    foretold = ci.call(github_pull_request, **params, check_mode=True)
    assert not ci.repository.pulls
    done = ci.call(github_pull_request, **params)
    assert {**foretold, "url": None} == {**done, "url": None}
    (pull,) = ci.repository.pulls.values()
    assert (pull.title, pull.body, pull.base) == ("Revert it", "Because.", "main")
    again = ci.call(github_pull_request, **params)
    assert (again["changed"], again["url"]) == (False, done["url"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"head": "main", "title": "x"}, "cannot be proposed for itself"),
        ({"head": "rollback", "title": " \n"}, "title is empty"),
        ({"head": "a b", "title": "x"}, "malformed value"),
        ({"head": "nowhere", "title": "x"}, "422"),
    ],
)
def test_what_is_wrong_is_named(ci: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        ci.call(github_pull_request, **params)
