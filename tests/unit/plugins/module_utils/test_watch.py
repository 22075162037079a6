# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _watch
from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict
from ansible_collections.tiered.rollback.plugins.module_utils._container import Usage
from ansible_collections.tiered.rollback.plugins.module_utils._watch import Limits, Streaks


def _verdict(ok: bool, kind: str = "url", name: str = "front") -> Verdict:
    return Verdict(name=name, kind=kind, ok=ok, expected="", found="status 500")


def _limits(**changes: Any) -> Limits:
    return Limits(**{"failures": 3, "errors": None, "cpu": None, "memory": None, **changes})


def test_only_failures_in_a_row_break_a_limit() -> None:
    streaks = Streaks(3)
    told = [streaks.add([_verdict(ok)]) for ok in (False, False, True, False, False, False)]
    assert told == ["", "", "", "", "", "front failed 3 times in a row: status 500"]
    assert streaks.summary() == [{"name": "front", "samples": 6, "failed": 5, "found": "status 500"}]


@pytest.mark.parametrize("kind", ["restarts", "errors"])
def test_restarts_and_error_lines_break_it_at_once(kind: str) -> None:
    assert Streaks(3).add([_verdict(False, kind)]) == "front: status 500"


class _Engine:
    def __init__(self) -> None:
        self.log = ""
        self.read: list[tuple[float, float]] = []
        self.used: Usage | None = Usage(at=0.0, cpu=0.0, memory=50, limit=100)

    def log_between(self, container_id: str, begin: float, end: float) -> str:
        self.read.append((begin, end))
        return self.log

    def usage(self, container_id: str) -> Usage | None:
        return self.used


def _wrong(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.kind: verdict.found for verdict in verdicts if not verdict.ok}


def test_a_container_is_judged_from_one_sample_to_the_next(build: Any) -> None:
    engine, container = _Engine(), build.container(restarts=4)
    watched = _watch.Containers(engine, _limits(errors=1, cpu=80, memory=60))  # type: ignore[arg-type]
    assert _wrong(watched.sample([container])) == {}
    engine.used, engine.log = Usage(at=10.0, cpu=9.0, memory=70, limit=100), "ERROR a\nfine\nfatal b\n"
    assert _wrong(watched.sample([replace(container, restarts=5, health="unhealthy")])) == {
        "container": "running, unhealthy",
        "restarts": "restarted 1 times",
        "errors": "2 in a minute",
        "memory": "70 % of its limit",
        "cpu": "90 % of a processor",
    }
    assert watched.summary() == [
        {"name": "shop-web-1", "errors": 2, "restarts": 1, "cpu_most": 90.0, "memory_most": 70.0, "memory_bytes": 70}
    ]


def test_every_line_of_a_log_is_read_once(build: Any) -> None:
    engine = _Engine()
    watched = _watch.Containers(engine, _limits())  # type: ignore[arg-type]
    for _unused in range(3):
        watched.sample([build.container()])
    (_begin, first), (second, third), (fourth, _end) = engine.read
    assert (first, third) == (second, fourth)


def test_without_limits_figures_are_only_told(build: Any) -> None:
    engine = _Engine()
    watched = _watch.Containers(engine, _limits())  # type: ignore[arg-type]
    watched.sample([build.container()])
    engine.used, engine.log = Usage(at=1.0, cpu=9.0, memory=99, limit=100), "ERROR\n" * 500
    assert _wrong(watched.sample([build.container()])) == {}
    assert watched.summary()[0]["errors"] == 500


def test_another_container_under_the_name_begins_anew(build: Any) -> None:
    watched = _watch.Containers(_Engine(), _limits())  # type: ignore[arg-type]
    watched.sample([build.container(restarts=0)])
    assert _wrong(watched.sample([build.container(id="other", restarts=9)])) == {}


def test_a_container_that_does_not_run_has_no_usage(build: Any) -> None:
    engine = _Engine()
    engine.used = None
    watched = _watch.Containers(engine, _limits(cpu=1, memory=1))  # type: ignore[arg-type]
    stopped = build.container(running=False, exit_code=1)
    assert _wrong(watched.sample([stopped])) == {"container": "not running (exit code 1)"}


def test_it_ends_with_the_time_or_with_the_first_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", lambda seconds: setattr(clock, "now", clock.now + seconds))

    def run(ok: bool) -> tuple[str, int]:
        return _watch.watch(lambda: [_verdict(ok)], Streaks(3), lambda *_: None, seconds=60, interval=5)

    assert run(True) == ("", 12)
    breach, samples = run(False)
    assert (bool(breach), samples) == (True, 3)


def test_a_sample_is_told_in_a_line() -> None:
    container = {"name": "api", "cpu_most": 3.2, "memory_bytes": 54_000_000, "errors": 7}
    assert _watch.describe([_verdict(True)], [container]) == (
        "1 checks hold; at most api CPU 3 %, memory 54 MB; 7 lines of errors"
    )
    assert _watch.describe([_verdict(False)], []).startswith("front: status 500; ")
