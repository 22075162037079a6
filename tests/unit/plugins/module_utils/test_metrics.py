# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _metrics
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
DASHBOARD = json.loads((ROOT / "examples/grafana/tiered-rollback.json").read_text(encoding="utf-8"))


def entry(**changes: Any) -> dict[str, Any]:
    values = {"kind": "rollback", "tier": 1, "outcome": "succeeded", "duration": 4.0, "outage": 1.25}
    return {**values, "ended": "2026-11-20T10:00:05.500+00:00", **changes}


def _samples(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_runs_are_counted_and_the_newest_is_told() -> None:
    entries = [entry(), entry(duration=6.0), entry(outcome="reverted"), entry(kind="undo", duration=99.0)]
    entries.append(entry(kind="migration", tier=2, outcome="failed", outage=None, duration=7.5))
    found = _samples(_metrics.render("shop", entries, []))
    told = {
        'runs_total{stack="shop",kind="rollback",tier="1",outcome="succeeded"}': "2",
        'runs_total{stack="shop",kind="rollback",tier="1",outcome="reverted"}': "1",
        'runs_total{stack="shop",kind="migration",tier="2",outcome="failed"}': "1",
        'mttr_seconds{stack="shop",tier="1"}': "5",
        'last_run_success{stack="shop"}': "0",
        'last_run_duration_seconds{stack="shop"}': "7.5",
        'last_outage_seconds{stack="shop"}': "1.25",
    }
    assert {f"tiered_rollback_{name}": value for name, value in told.items()}.items() <= found.items()
    assert 'tiered_rollback_mttr_seconds{stack="shop",tier="2"}' not in found


def test_what_is_no_recovery_counts_for_no_time_to_one() -> None:
    entries = [entry(), entry(kind="deploy", tier=None, duration=500.0, outage=0.5)]
    entries += [entry(kind="drill", duration=900.0, outage=9.0, outcome="failed"), entry(kind="quarantine", tier=None)]
    found = _samples(_metrics.render("shop", entries, []))
    assert {name: value for name, value in found.items() if "mttr" in name} == {
        'tiered_rollback_mttr_seconds{stack="shop",tier="1"}': "4"
    }
    # The newest run on the stack itself is the deployment.
    assert found['tiered_rollback_last_run_duration_seconds{stack="shop"}'] == "500"
    assert found['tiered_rollback_last_outage_seconds{stack="shop"}'] == "0.5"


def test_moments_are_seconds_since_the_epoch() -> None:
    found = _samples(_metrics.render("s", [entry(ended="1970-01-02T00:00:00.500+00:00")], []))
    assert found['tiered_rollback_last_run_timestamp_seconds{stack="s"}'] == "86400.5"


def test_restore_points_are_counted_and_the_newest_of_a_deployment_told(build: Any) -> None:
    points = [
        (build.point(created="1970-01-01T00:01:00+00:00"), True),
        (build.point(created="1970-01-01T00:02:00+00:00"), False),
        (build.point(created="1970-01-01T00:03:00+00:00", kind="before"), True),
    ]
    found = _samples(_metrics.render("shop", [], points))
    assert found == {
        'tiered_rollback_restore_points{stack="shop",kind="before",proven="false"}': "0",
        'tiered_rollback_restore_points{stack="shop",kind="before",proven="true"}': "1",
        'tiered_rollback_restore_points{stack="shop",kind="deploy",proven="false"}': "1",
        'tiered_rollback_restore_points{stack="shop",kind="deploy",proven="true"}': "1",
        'tiered_rollback_newest_restore_point_timestamp_seconds{stack="shop",proven="false"}': "120",
        'tiered_rollback_newest_restore_point_timestamp_seconds{stack="shop",proven="true"}': "60",
    }


def test_without_any_the_points_are_none_and_that_is_told() -> None:
    found = _samples(_metrics.render("shop", [], []))
    assert set(found.values()) == {"0"}
    assert len(found) == 2


@given(text=st.text())
def test_no_label_breaks_out_of_its_quotes(text: str) -> None:
    told = _metrics.escaped(text)
    assert "\n" not in told
    assert re.fullmatch(r'(?:[^"\\\n]|\\["\\n])*', told)
    back = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), told)
    assert back == text


def _queries() -> list[tuple[str, str]]:
    return [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.mark.parametrize(("title", "query"), _queries(), ids=lambda value: str(value)[:40])
def test_every_query_of_the_dashboard_asks_for_metrics_and_labels_that_there_are(title: str, query: str) -> None:
    names = re.findall(rf"{_metrics.PREFIX}(\w+)", query)
    assert names
    for name, selector in re.findall(rf"{_metrics.PREFIX}(\w+)(?:\{{([^}}]*)\}})?", query):
        assert name in _metrics.METRICS
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert labels <= {"stack", *_metrics.METRICS[name].labels}
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        known = {"stack", *(label for name in names for label in _metrics.METRICS[name].labels)}
        assert {label.strip() for label in grouped.split(",")} <= known


def test_the_dashboard_shows_every_metric() -> None:
    asked = {name for _title, query in _queries() for name in re.findall(rf"{_metrics.PREFIX}(\w+)", query)}
    assert asked == set(_metrics.METRICS)
