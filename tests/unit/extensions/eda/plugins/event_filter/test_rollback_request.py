# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _decision_matrix, _names
from hypothesis import given
from hypothesis import strategies as st

_FILTER = runpy.run_path(
    str(Path(__file__).resolve().parents[6] / "extensions/eda/plugins/event_filter/rollback_request.py")
)
_LABELS = {"stack": "udo", "severity": "critical", "issue": "service_outage"}
_EVIL = "{{ lookup('pipe', 'id') }}"


def _main(event: Any, source: str) -> list[dict[str, Any]]:
    return list(_FILTER["main"](event, source=source))


def _alerts(*labels: Any, status: str = "firing") -> dict[str, Any]:
    entries = [{"status": status, "labels": each, "annotations": {"summary": _EVIL}} for each in labels]
    return {"payload": {"alerts": entries}, "meta": {"headers": {"X-Evil": _EVIL}}}


def _deployment(state: str = "failure", payload: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "payload": {
            "deployment_status": {"state": state, "description": _EVIL},
            "deployment": {"environment": "production", "payload": payload or {}, "ref": _EVIL, **changes},
            "repository": {"name": "UDO", "full_name": "owner/UDO"},
        }
    }


def test_an_alert_becomes_a_request_and_nothing_else_of_it_is_kept() -> None:
    labels = {**_LABELS, "service": "backend", "version": "1.10", "alertname": "StackDown", "instance": _EVIL}
    assert _main(_alerts(labels), "alertmanager") == [
        {"rollback": {**_LABELS, "service": "backend", "version": "1.10", "source": "alertmanager"}}
    ]


def test_of_several_alerts_about_one_stack_the_most_severe_counts_and_each_stack_has_its_own() -> None:
    mild = {**_LABELS, "severity": "P1", "issue": "high_error_rate"}
    found = _main(_alerts(mild, _LABELS, {**mild, "stack": "other"}), "alertmanager")
    assert [(each["rollback"]["stack"], each["rollback"]["severity"]) for each in found] == [
        ("udo", "critical"),
        ("other", "P1"),
    ]


def test_alerts_that_are_resolved_ask_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert _main(_alerts(_LABELS, status="resolved"), "alertmanager") == []
    assert not caplog.records


@pytest.mark.parametrize("name", ["stack", "severity", "issue", "service", "version", "environment"])
@pytest.mark.parametrize(
    "value", [_EVIL, "{% for a in b %}", "{# #}", "a b", "a\nb", "-x", "../x", "v" * 200, 7, ["udo"], {"a": "b"}, True]
)
def test_a_malformed_value_drops_the_event_and_is_said(name: str, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert _main(_alerts({**_LABELS, name: value}), "alertmanager") == []
    assert f"{name} is malformed" in caplog.text
    assert "\na" not in caplog.text


@pytest.mark.parametrize("name", ["stack", "severity", "issue"])
def test_a_required_label_that_is_missing_drops_the_event_and_is_said(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    without = {key: value for key, value in _LABELS.items() if key != name}
    assert _main(_alerts(without), "alertmanager") == []
    assert _main(_alerts({**_LABELS, name: ""}), "alertmanager") == []
    assert caplog.text.count(f"{name} is missing") == 2


def test_one_malformed_alert_does_not_take_the_others_with_it() -> None:
    found = _main(_alerts({**_LABELS, "version": _EVIL}, {**_LABELS, "stack": "other"}), "alertmanager")
    assert [each["rollback"]["stack"] for each in found] == ["other"]


@pytest.mark.parametrize("state", ["failure", "error"])
def test_a_deployment_that_failed_is_about_the_stack_that_it_names_or_the_repository(state: str) -> None:
    (named,) = _main(_deployment(state, {"stack": "shop", "version": "v2", "other": _EVIL}), "github_deployment")
    assert named["rollback"] == {
        "stack": "shop",
        "version": "v2",
        "environment": "production",
        "severity": "high",
        "issue": "health_check_failure",
        "source": "github_deployment",
    }
    (unnamed,) = _main(_deployment(state), "github_deployment")
    assert unnamed["rollback"]["stack"] == "udo"
    # A payload may be text.
    (text,) = _main(_deployment(state, "{}"), "github_deployment")
    assert "version" not in text["rollback"]


@pytest.mark.parametrize("state", ["success", "in_progress", "pending"])
def test_other_deployments_and_other_events_ask_for_nothing(state: str, caplog: pytest.LogCaptureFixture) -> None:
    assert _main(_deployment(state), "github_deployment") == []
    assert _main({"payload": {"zen": "Keep it logically awesome."}}, "github_deployment") == []
    assert not caplog.records


def test_what_url_health_sends_is_taken() -> None:
    (found,) = _main({"url_health": {**_LABELS, "service": "api", "failures": 3}}, "url_health")
    assert found["rollback"] == {**_LABELS, "service": "api", "source": "url_health"}


_KEYS = ["alerts", "labels", "status", "stack", "severity", "deployment_status", "state", "deployment"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(_EVIL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("source", ["alertmanager", "github_deployment", "url_health"])
@given(payload=_JSON)
def test_whatever_is_sent_is_dropped_or_well_formed_and_never_ends_the_source(source: str, payload: Any) -> None:
    for event in ({"payload": payload}, {"url_health": payload}, payload):
        for found in _main(event, source):
            assert "{{" not in json.dumps(found)


def test_too_many_alerts_are_no_list_that_anybody_configured(caplog: pytest.LogCaptureFixture) -> None:
    assert _main(_alerts(*[_LABELS] * 101), "alertmanager") == []
    assert "has not the form" in caplog.text


def test_an_unknown_source_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="source must be one of"):
        _FILTER["main"]({}, source="elsewhere")


def test_its_words_are_those_that_the_playbook_takes() -> None:
    for severity in _FILTER["_SEVERITIES"]:
        _names.launch_values({"severity": severity}, ["severity"])
    assert {word for name, others in _decision_matrix.SEVERITIES.items() for word in (name, *others)} - {"none"} == set(
        _FILTER["_SEVERITIES"]
    )
    for source in _FILTER["_READERS"]:
        _names.launch_values({"source": source}, ["source"])
    stated = {**_FILTER["_FAILED_DEPLOYMENT"]}
    assert stated["issue"] in _decision_matrix.ISSUES
