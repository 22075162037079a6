# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal
from ansible_collections.tiered.rollback.plugins.module_utils._container import Usage
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.modules import watch


def _act(deployment: Any, build: Any, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    params = {name: spec.get("default") for name, spec in watch.OPTIONS.items() if name not in ("stack", "run")}
    params |= {"state_dir": str(deployment.state_dir), "minutes": 0.005, "interval": 0.05, **changes}
    deployment.engine.log_between = lambda *_: ""
    deployment.engine.usage = lambda _container: Usage(at=0.0, cpu=0.0, memory=1, limit=100)
    return watch.act(deployment.context(run=build.run(), check_mode=check_mode, **params))


def test_a_stack_that_is_well_is_watched_to_the_end_and_left_alone(deployment: Any, build: Any) -> None:
    files = {path.name for path in deployment.src.iterdir()}
    found = _act(deployment, build, checks=[{"container": "web"}])
    assert (found["breach"], found["changed"]) == ("", False)
    assert found["samples"] > 1
    assert {each["name"] for each in found["containers"]} == {each.name for each in deployment.world.running}
    assert deployment.world.calls == []
    assert {path.name for path in deployment.src.iterdir()} == files
    assert not (deployment.state / _journal.WATCH).exists()


def test_it_is_broken_off_by_failures_in_a_row(deployment: Any, build: Any, site: Any) -> None:
    deployment.raw["services"] = {"web": {"checks": [{"name": "front", "url": f"{site.url}/"}]}}
    found = _act(deployment, build, minutes=30)
    assert found["breach"].startswith("front failed 3 times in a row: ")
    assert found["samples"] == 3
    assert len(site.asked) == 3


def test_check_mode_takes_one_sample(deployment: Any, build: Any) -> None:
    assert _act(deployment, build, check_mode=True, minutes=30, checks=[{"container": "web"}])["samples"] == 1


@pytest.mark.parametrize("name", ["minutes", "interval", "failures", "timeout"])
def test_times_that_cannot_be_are_refused(deployment: Any, build: Any, name: str) -> None:
    with pytest.raises(RollbackError, match="must be above 0"):
        _act(deployment, build, **{name: 0})
