# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _current


@pytest.mark.parametrize("who", ["operator", "swarmed"])
def test_points_that_equal_what_runs_are_found_whatever_runs_it(who: str, request: pytest.FixtureRequest) -> None:
    deployment: Any = request.getfixturevalue(who).deployment
    context = deployment.context()
    known = list(context.store.points())
    assert _current.points(context, known) == ("shop", [])
    deployment.deploy("v0.9.0")
    assert _current.points(deployment.context(), known) == ("shop", known)
