# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fault to the rollback with nothing but real parts: Prometheus, Alertmanager, ansible-rulebook, engine."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine, events, monitoring
from ansible_collections.tiered.rollback.tests.support.events import Alerting, Processes, Rulebook
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_INTERVAL = 1


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """What is started is ended again."""
    made = Processes(tmp_path)
    yield made
    made.stop()


def test_what_is_shipped_passes_promtool_amtool_and_compose(tmp_path: Path) -> None:
    monitoring.unpack(tmp_path)
    programs, here = tmp_path / "usr/bin", events.EDA / "prometheus"
    tested = subprocess.run(
        [programs / "promtool", "test", "rules", "rules_test.yml"], cwd=here, check=True, capture_output=True, text=True
    )
    assert "SUCCESS" in tested.stdout
    subprocess.run([programs / "amtool", "check-config", "alertmanager.yml"], cwd=here, check=True)
    engine.docker("compose", "-f", str(events.EDA / "compose.yml"), "config", "--quiet")


def _deployed(make_stack: Any) -> Stack:
    made: Stack = make_stack()
    made.upgrade()
    return made


def _refuses(rulebook: Rulebook, stack: Stack, mark: Path) -> None:
    """Nothing comes of strangers, of a value that would be evaluated, or of what asks for nothing."""
    labels = {"stack": stack.name, "severity": "critical", "issue": "service_outage"}
    body = events.alerts(labels)
    assert rulebook.alert(body, token="") == 401
    assert rulebook.alert(body, token="wrong") == 401
    assert rulebook.alert(events.alerts(labels, status="resolved")) == 200
    evil = "{{ lookup('pipe', 'touch " + str(mark) + "') }}"
    for name in ("version", "stack", "issue"):
        assert rulebook.alert(events.alerts({**labels, name: evil})) == 200
    assert rulebook.alert(events.alerts({"alertname": "Watchdog"})) == 200
    events.poll(lambda: rulebook.log.count("refused an event of alertmanager") == 4, "what is refused is said")
    assert "version is malformed" in rulebook.log

    assert rulebook.deployment(_failed(stack, "production"), {"X-Hub-Signature-256": "sha256=00"}) == 401
    assert _says(rulebook, _failed(stack, "staging")) == 200
    assert rulebook.runs == 0


def _failed(stack: Stack, environment: str, **payload: str) -> dict[str, Any]:
    """What GitHub posts of a deployment that failed."""
    return {
        "deployment_status": {"state": "failure"},
        "deployment": {"environment": environment, "payload": payload},
        "repository": {"name": stack.name},
    }


def _says(rulebook: Rulebook, body: Any) -> int:
    """Post as GitHub does, signed."""
    data = json.dumps(body).encode()
    signed = hmac.new(rulebook.secret.encode(), data, hashlib.sha256).hexdigest()
    return rulebook.deployment(data, {"X-Hub-Signature-256": f"sha256={signed}"})


def test_faults_are_rolled_back_through_alerts_and_through_url_health(
    make_stack: Any, processes: Processes, tmp_path: Path
) -> None:
    events.install()
    by_alert, by_url = _deployed(make_stack), _deployed(make_stack)
    target = {"stack": by_url.name, "service": "api", "url": f"http://127.0.0.1:{by_url.port}/api/status"}
    rulebook = Rulebook(processes, [by_alert, by_url], health_targets=[target], health_interval=_INTERVAL)
    mark = tmp_path / "evaluated"
    with events.probing(by_alert) as exporter:
        alerting = Alerting(processes, by_alert, exporter, rulebook)
        events.poll(rulebook.ready, "the rulebook listens")
        events.poll(alerting.measured, "Prometheus measures")
        _refuses(rulebook, by_alert, mark)

        by_url.trouble("v1.0.0", "broken")
        # Killed in the outage, before anything is begun: who is started again counts anew.
        time.sleep(_INTERVAL)
        rulebook.kill()
        assert rulebook.runs == 0
        rulebook.start()
        started = time.monotonic()
        events.poll(lambda: by_url.ask("/api/status").status == 200, "the failing URL is rolled back")
        print(f"url_health: {time.monotonic() - started:.1f} s from start to healthy, interval {_INTERVAL} s")
        events.poll(lambda: rulebook.ended == 1, "the run ends")

        by_alert.trouble("v1.0.0", "broken")
        fault = time.monotonic()
        events.poll(lambda: "ServiceUnhealthy" in alerting.firing(), "the alert fires")
        events.poll(lambda: by_alert.ask("/api/status").status == 200, "the alert is rolled back")
        print(f"alert: {time.monotonic() - fault:.1f} s from fault to healthy")
        events.poll(lambda: not alerting.firing(), "the alert is resolved")

        # A flood about a stack that is well, with what would be evaluated in labels that nobody asks for.
        events.poll(lambda: rulebook.ended == rulebook.runs, "what was begun ends")
        evil = {"instance": "{{ lookup('pipe', 'touch " + str(mark) + "') }}"}
        labels = {"stack": by_alert.name, "severity": "high", "issue": "other"}
        for _number in range(50):
            assert rulebook.alert(events.alerts(*[{**labels, **evil}] * 20)) == 200
        events.poll(lambda: "v0.9.0 is healthy" in rulebook.log, "one of them is answered")
        events.poll(lambda: rulebook.ended == rulebook.runs, "it ends")

    # The version comes once more and fails again, and nobody but GitHub says so: nothing is measured any more.
    by_alert.trouble("", "")
    by_alert.deploy("v1.0.0")
    by_alert.trouble("v1.0.0", "broken")
    assert _says(rulebook, _failed(by_alert, "production", version="v1.0.0")) == 200
    events.poll(lambda: len(by_alert.ledger()) == 2, "the failed deployment is rolled back")
    for stack, sources in ((by_url, ["url_health"]), (by_alert, ["alertmanager", "github_deployment"])):
        assert [entry["event"]["source"] for entry in stack.ledger()] == sources
        assert {entry["to_version"] for entry in stack.ledger()} == {"v0.9.0"}
        assert stack.ask("/api/status").version == "v0.9.0"
    # A machine that is slow may answer a flood of half a minute twice, and Alertmanager say the same again.
    assert 4 <= rulebook.runs <= 7
    assert not mark.exists()
