# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks and what runs them, as far as files can tell; tests/integration/test_events.py runs them."""

from __future__ import annotations

import configparser
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tiered.rollback.plugins.module_utils import _decision, _names

ROOT = Path(__file__).resolve().parents[4]
EDA = ROOT / "extensions/eda"
RULEBOOKS = sorted((EDA / "rulebooks").glob("*.yml"))
PLAYBOOK = ROOT / "playbooks/auto_rollback.yml"


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _tasks(raw: Any) -> list[dict[str, Any]]:
    inner = [task for entry in raw for part in ("block", "rescue", "always") for task in _tasks(entry.get(part, []))]
    return [*raw, *inner]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_every_event_goes_through_the_filter_and_only_what_the_filter_returns_reaches_the_playbook(path: Path) -> None:
    filters = runpy.run_path(str(EDA / "plugins/event_filter/rollback_request.py"))
    for ruleset in _load(path):
        for source in ruleset["sources"]:
            (chosen,) = source["filters"]
            assert chosen["tiered.rollback.rollback_request"]["source"] in filters["_READERS"]
        for rule in ruleset["rules"]:
            action = rule["action"]["run_playbook"]
            assert action["name"] == "tiered.rollback.auto_rollback"
            # A value of its own would become a number where it looks like one.
            assert action["extra_vars"] == {"rollback_request": "{{ event.rollback }}"}
            assert "event.rollback.stack is defined" in rule["condition"]
            for name in rule.get("throttle", {}).get("group_by_attributes", []):
                assert name.removeprefix("event.rollback.") in filters["_REQUIRED"]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_a_webhook_listens_to_this_machine_alone_and_to_nobody_without_a_secret(path: Path) -> None:
    for ruleset in _load(path):
        for source in ruleset["sources"]:
            webhook = source.get("eda.builtin.webhook")
            if webhook:
                assert "token" in webhook or "hmac_secret" in webhook
                assert "default('127.0.0.1')" in webhook["host"]
                assert "default" not in webhook.get("token", webhook.get("hmac_secret"))


def test_no_throttle_counts_failures_since_it_would_count_those_that_are_not_in_a_row() -> None:
    assert "accumulate_within" not in "".join(path.read_text() for path in RULEBOOKS)


def test_the_playbook_needs_no_file_beside_it() -> None:
    for task in _load(PLAYBOOK)[0]["tasks"]:
        used = [key for key in task if "." in key]
        assert used
        role = task.get("ansible.builtin.import_role")
        assert role is None or role["name"].startswith("tiered.rollback.")


def test_nothing_is_asked_of_the_target_before_the_one_module_that_switches() -> None:
    role = ROOT / "roles/auto_rollback/tasks"
    (switch,) = _load(role / "switch.yml")
    assert "tiered.rollback.stack_switch" in switch
    first, block = _load(role / "main.yml")
    assert "ansible.builtin.fail" in first
    assert block["block"][0]["ansible.builtin.import_tasks"] == "switch.yml"
    launch = _load(PLAYBOOK)[0]["tasks"][0]["tiered.rollback.launch"]
    assert launch["request"] == "rollback_request"
    assert set(launch["optional"]) <= set(_names.LAUNCH_VARIABLES)


def test_alerts_carry_labels_that_the_filter_requires_and_the_matrix_knows() -> None:
    (group,) = _load(EDA / "prometheus/rules.yml")["groups"]
    for rule in group["rules"]:
        _decision.decide(rule["labels"]["severity"], rule["labels"]["issue"])
        assert "stack" in rule["expr"]
    tested = {
        alert["alertname"]
        for test in _load(EDA / "prometheus/rules_test.yml")["tests"]
        for alert in test["alert_rule_test"]
        if alert["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in group["rules"]}


def test_alertmanager_sends_to_where_the_rulebook_listens() -> None:
    config = _load(EDA / "prometheus/alertmanager.yml")
    (receiver,) = [each for each in config["receivers"] if each["name"] == "rollback"]
    (webhook,) = receiver["webhook_configs"]
    port = re.search(r"alertmanager_port \| default\((\d+)\)", (EDA / "rulebooks/alertmanager.yml").read_text())
    assert port is not None
    assert webhook["url"].startswith(f"http://127.0.0.1:{port[1]}/")
    assert webhook["http_config"]["authorization"]["type"] == "Bearer"
    (route,) = config["route"]["routes"]
    assert route["group_by"] == ["stack"]


def test_unit_and_service_run_what_there_is() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EDA / "tiered-rollback-events.service")
    service = _load(EDA / "compose.yml")["services"]["events"]
    for words in (unit["Service"]["ExecStart"].split(), service["command"]):
        named = [word for word in words if (EDA / f"rulebooks/{word}.yml").is_file()]
        assert named
        assert "--inventory" in words
        assert "--vars" in words
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Service"]["ExecStart"].split()[0].endswith("/extensions/eda/serve")
