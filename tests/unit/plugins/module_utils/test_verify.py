# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal, _verify
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal
from ansible_collections.tiered.rollback.plugins.module_utils._observe import observe


@pytest.fixture
def context(deployment: Any) -> Any:
    params = {name: spec.get("default") for name, spec in _verify.CHECK_OPTIONS.items()}
    return deployment.context(**params)


def test_a_services_checks_are_sent_as_often_as_wanted_and_a_profile_says_it_itself(
    deployment: Any, site: Any, context: Any
) -> None:
    deployment.raw["services"] = {"web": {"checks": [{"url": f"{site.url}/"}]}}
    now = observe(context.stack, deployment.engine, deployment.compose)
    (plain,), left_out = _verify.prepare(context, now, requests=7)
    assert (plain.values["requests"], left_out) == (7, [])
    context.module.params["profile"] = {"checks": [{"every": "api", "requests": 3}, {"every": "mcp", "mcp": "health"}]}
    (own,), left_out = _verify.prepare(context, now, requests=7)
    assert own.values["requests"] == 3
    assert left_out == ["mcp: rollback_stack describes no mcp"]


def test_an_unfinished_run_is_known_to_checks(deployment: Any, build: Any, context: Any) -> None:
    now = observe(context.stack, deployment.engine, deployment.compose)
    assert _verify.subject(context, now, 5).unfinished == ""
    deployment.state.mkdir(parents=True)
    run = build.run()
    Journal(
        path=deployment.state / _journal.NAME, run=run, kind="rollback", tier=1, target="v0.9.0", before="before-1"
    ).save()
    assert run.id in _verify.subject(context, now, 5).unfinished
