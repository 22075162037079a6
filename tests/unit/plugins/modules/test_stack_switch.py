# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _lock
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _ids(operator: Any, version: str) -> dict[str, str]:
    return dict.fromkeys(("api", "web"), operator.build.image_id(version))


def _facts(operator: Any) -> dict[str, Any]:
    """What is on record of the run: in its report."""
    (report,) = (operator.deployment.state / "reports").glob("*-000001.json")
    return dict(json.loads(report.read_text()))


def test_the_stack_is_switched_and_the_outcome_kept_for_the_report(operator: Any) -> None:
    result = operator.switch()
    assert operator.deployment.running() == _ids(operator, "v0.9.0")
    assert result["changed"]
    assert len(result["actions"]) == 3
    assert all(check["ok"] for check in result["checks"])
    facts = _facts(operator)
    assert (facts["outcome"], facts["error"], facts["checks_after"]) == ("succeeded", None, result["checks"])


def test_check_mode_gives_the_same_answer_and_moves_nothing(operator: Any) -> None:
    deployment = operator.deployment
    before = deployment.trees()
    foretold = operator.switch(check_mode=True)
    assert (deployment.trees(), deployment.world.calls) == (before, [])
    assert [action.split()[0] for action in foretold["actions"]] == ["write_file", "start_first", "stop_first"]
    real = operator.switch()
    measured = {"before", "checks", "outage", "probe", "report", "record"}
    assert {key: foretold[key] for key in foretold.keys() - measured} == {
        key: real[key] for key in real.keys() - measured
    }


def test_a_target_that_is_what_runs_is_left_alone(operator: Any) -> None:
    operator.deployment.deploy("v0.9.0")
    result = operator.switch()
    assert (result["changed"], result["needed"], result["actions"], result["report"]) == (False, False, [], None)
    assert operator.deployment.world.calls == []
    assert _lock.holder(operator.deployment.state) is None


def test_a_target_that_does_not_get_healthy_is_taken_back_and_both_are_told(operator: Any) -> None:
    deployment = operator.deployment
    deployment.world.sick.add(operator.build.image_id("v0.9.0"))
    before = deployment.trees()
    with pytest.raises(RollbackError, match=r"does not get healthy.*The state before \(v1\.0\.0, .*was put back"):
        operator.switch()
    assert deployment.running() == _ids(operator, "v1.0.0")
    after = deployment.trees()
    assert {path: after[path] for path in before if not path.endswith("lock")} == {
        path: data for path, data in before.items() if not path.endswith("lock")
    }
    assert _facts(operator)["outcome"] == "reverted"


def test_where_even_the_way_back_fails_both_errors_are_told_and_the_run_stays_open(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator.deployment.compose, "render", operator.deployment.compose.goes_away())
    with pytest.raises(RollbackError, match="Putting the state before back failed too") as caught:
        operator.switch()
    assert "undo.yml" in caught.value.hint
    assert _facts(operator)["outcome"] == "failed"


def test_an_error_of_the_operating_system_is_taken_back_too(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, broken = operator.deployment.compose.recreate, [True]

    def recreate(*arguments: Any, **named: Any) -> None:
        if broken.pop() if broken else False:
            raise OSError(28, "No space left on device")
        real(*arguments, **named)

    monkeypatch.setattr(operator.deployment.compose, "recreate", recreate)
    with pytest.raises(RollbackError, match=r"No space left.*was put back"):
        operator.switch()
    assert operator.deployment.running() == _ids(operator, "v1.0.0")


def test_while_another_run_holds_the_stack_nothing_is_switched(operator: Any) -> None:
    operator.begin(1)
    operator.deployment.world.calls.clear()
    with pytest.raises(RollbackError, match="another run holds this stack"):
        operator.switch(2)
    assert operator.deployment.world.calls == []


def test_the_checks_urls_are_asked_all_along_and_the_log_is_kept(operator: Any, site: Any) -> None:
    site.answers["/"] = (200, b"")
    operator.deployment.raw["services"]["web"] = {"checks": [{"url": f"{site.url}/"}]}
    result = operator.switch()
    probe = result["probe"][f"{site.url}/"]
    assert probe["sent"] >= 1
    assert (probe["failed"], result["outage"]) == (0, probe["longest_silence"])
    log = operator.deployment.state / "reports" / f"{operator.build.run(1).id}.probe.jsonl"
    assert len(log.read_bytes().splitlines()) == probe["sent"] + 1


def test_a_check_that_fails_after_the_switch_takes_it_back(operator: Any, site: Any) -> None:
    site.answers["/"] = (500, b"")
    operator.deployment.raw["services"]["web"] = {"checks": [{"url": f"{site.url}/"}]}
    with pytest.raises(RollbackError, match="web-0: status 500, wanted 200"):
        operator.switch()
    assert operator.deployment.running() == _ids(operator, "v1.0.0")


def test_nothing_in_the_result_or_the_state_holds_what_an_env_file_says(operator: Any) -> None:
    env = operator.deployment.src / ".env"
    env.write_text(env.read_text() + "PASSWORD=hunter2\n")
    result = operator.switch()
    assert "hunter2" not in repr(result)
    files = [path for path in operator.deployment.state.rglob("*") if path.is_file() and path.name != ".env"]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]


def test_what_a_killed_compose_left_beside_a_container_is_cleared_before_it_is_recreated(operator: Any) -> None:
    world = operator.deployment.world
    (web,) = [container for container in world.running if container.service == "web"]
    world.running.append(replace(web, id="half", name=f"0123456789ab_{web.name}", running=False))
    operator.switch()
    assert world.calls.index(("remove", "half")) < world.calls.index(("recreate", "web"))


def test_what_a_killed_compose_left_alone_keeps_its_volumes(operator: Any) -> None:
    world = operator.deployment.world
    world.running = [
        replace(c, name=f"0123456789ab_{c.name}", running=False) if c.service == "web" else c for c in world.running
    ]
    operator.switch()
    assert [call for call in world.calls if call[0] == "remove" and "web" in call[1]] == []


def test_what_fails_before_anything_was_changed_needs_no_way_back(deployment: Any, build: Any, request: Any) -> None:
    """A server that stops during the restore aside cannot be asked to go back, and need not."""
    database = deployment.add_database()
    operator = request.getfixturevalue("operator")
    database.failing["stage"] = RollbackError("the server closed the connection", "Start it.")
    deployment.world.calls.clear()
    with pytest.raises(RollbackError, match=r"closed the connection\. Nothing was changed: v1\.0\.0 runs") as caught:
        operator.switch(tier=2)
    assert caught.value.hint == "Start it. Then run the same command again."
    # Only the state before was captured, by tags of our own.
    assert {call[0] for call in deployment.world.calls} == {"tag"}
    assert caught.value.facts["record"]["outcome"] == "reverted"
    assert deployment.running() == dict.fromkeys(("api", "web"), build.image_id("v1.0.0"))
