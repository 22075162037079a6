# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _probe
from ansible_collections.tiered.rollback.plugins.module_utils._probe import Prober
from hypothesis import given
from hypothesis import strategies as st

GOOD, BAD, WRONG, DEAD = (
    (True, ""),
    (False, "status 500, wanted 200"),
    (False, "JSON a is 1, wanted 2"),
    (False, "ConnectionError: x"),
)


def _log(*entries: tuple[float, tuple[bool, str]]) -> list[tuple[float, bool, str]]:
    return [(at, *what) for at, what in entries]


@pytest.mark.parametrize(
    ("log", "until", "wanted"),
    [
        ([], 5.0, (0, 0, 0, 0.0, 0.0)),
        (_log((0.0, GOOD), (1.0, GOOD), (2.5, GOOD)), 9.0, (3, 0, 0, 1.5, 1.5)),
        # Time before the first good answer counts.
        (_log((0.0, DEAD), (2.0, GOOD)), 2.1, (2, 1, 1, 2.0, 2.0)),
        # Time after the last one counts only where no request since was good.
        (_log((0.0, GOOD), (1.0, DEAD)), 4.0, (2, 1, 1, 4.0, 4.0)),
        # A broken version that answers is no silence.
        (_log((0.0, BAD), (1.0, WRONG), (2.0, DEAD), (3.5, GOOD)), 3.6, (4, 3, 1, 3.5, 2.5)),
        (_log((0.0, DEAD), (1.0, DEAD)), 2.0, (2, 2, 2, 2.0, 2.0)),
    ],
)
def test_a_log_comes_to_counts_and_the_longest_gaps(
    log: list[tuple[float, bool, str]], until: float, wanted: tuple[float, ...]
) -> None:
    found = _probe._summary(log, until)
    keys = ("sent", "failed", "unreachable", "longest_gap", "longest_silence")
    assert tuple(found[key] for key in keys) == wanted


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "the prober asked too few times"
        time.sleep(0.01)


def test_each_url_is_asked_all_along_and_what_became_of_it_is_kept(site: Any, build: Any) -> None:
    site.answers["/good"] = (200, b"")
    checks = [build.check(f"{site.url}/{name}") for name in ("good", "bad", "good")]
    with Prober(checks) as prober:
        _until(lambda: len(site.asked) >= 8)
    summary = prober.summary()
    asked = len(site.asked)
    assert set(summary) == {f"{site.url}/good", f"{site.url}/bad"}
    good, bad = summary[f"{site.url}/good"], summary[f"{site.url}/bad"]
    assert (good["failed"], bad["failed"], bad["unreachable"]) == (0, bad["sent"], 0)
    assert good["sent"] + bad["sent"] == asked
    assert prober.outage() == max(good["longest_silence"], bad["longest_silence"])
    head, *rows = [json.loads(line) for line in prober.lines().splitlines()]
    assert head["interval"] == _probe.INTERVAL
    assert len(rows) == asked
    assert {row["found"] for row in rows if not row["ok"]} == {"status 404, wanted 200"}


def test_an_answer_counts_when_it_came_and_not_when_it_was_asked_for(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that reached a service which was just starting was sent long before anybody had an answer."""
    waits = iter([0.0, 0.4])

    def http(check: Any, _client: Any) -> Any:
        time.sleep(next(waits, 0.0))
        return _probe._checks.Result(name=check.name, ok=True, found="as wanted")

    monkeypatch.setattr(_probe._checks, "http", http)
    with Prober([build.check("http://127.0.0.1:9/")]) as prober:
        log = prober._targets[0].log
        _until(lambda: len(log) >= 3)
    assert log[1][0] - log[0][0] >= 0.4
    assert prober.outage() >= 0.4


def test_nobody_is_asked_any_more_once_it_was_left(site: Any, build: Any) -> None:
    with Prober([build.check(f"{site.url}/")]):
        _until(lambda: bool(site.asked))
    asked = len(site.asked)
    time.sleep(3 * _probe.INTERVAL)
    assert len(site.asked) == asked


def test_without_checks_there_is_nothing_to_tell() -> None:
    with Prober([]) as prober:
        pass
    assert (prober.summary(), prober.outage(), len(prober.lines().splitlines())) == ({}, 0.0, 1)


def test_an_error_inside_goes_on_and_the_asking_ends(site: Any, build: Any) -> None:
    with pytest.raises(OSError, match="full"), Prober([build.check(f"{site.url}/")]) as prober:
        raise OSError("full")
    assert all(not thread.is_alive() for thread in prober._threads)


@pytest.mark.parametrize(
    ("log", "until", "wanted"),
    [
        ([], 5.0, []),
        (_log((0.0, GOOD), (0.1, GOOD)), 0.2, [[0.0, 0.2, "good"]]),
        # Between two requests it is as bad as the worse of them: from the last answer to the next.
        (
            _log((0.5, GOOD), (1.0, DEAD), (1.5, BAD), (2.0, GOOD)),
            3.0,
            [[0.0, 0.5, "good"], [0.5, 1.5, "silent"], [1.5, 2.0, "bad"], [2.0, 3.0, "good"]],
        ),
        (_log((0.0, GOOD), (1.0, DEAD)), 4.0, [[0.0, 0.0, "good"], [0.0, 4.0, "silent"]]),
    ],
)
def test_a_log_comes_to_spans_of_one_state(
    log: list[tuple[float, bool, str]], until: float, wanted: list[list[Any]]
) -> None:
    assert _probe._spans(log, until) == wanted


_WHATS = st.lists(st.sampled_from([GOOD, BAD, WRONG, DEAD]), min_size=1, max_size=60)


@given(whats=_WHATS)
def test_the_longest_silent_span_is_the_outage(whats: list[tuple[bool, str]]) -> None:
    log = _log(*((round(number * 0.05, 2), what) for number, what in enumerate(whats)))
    until = len(whats) * 0.05
    silent = [end - begin for begin, end, state in _probe._spans(log, until) if state == "silent"]
    found = _probe._summary(log, until)["longest_silence"]
    assert max(silent, default=found) == pytest.approx(found, abs=0.002)
    assert bool(silent) == any(what == DEAD for what in whats)


def test_a_request_that_waited_long_for_its_good_answer_is_a_silence_too() -> None:
    log = _log((0.0, GOOD), (0.05, DEAD), (0.1, GOOD), (1.1, GOOD), (1.15, GOOD))
    assert _probe._spans(log, 1.2)[2:] == [[0.1, 1.1, "silent"], [1.1, 1.2, "good"]]


def test_a_log_of_half_an_hour_that_flaps_is_thin_enough_to_draw_and_hides_no_silence() -> None:
    log = _log(*((number * 0.05, DEAD if number % 40 == 7 else GOOD) for number in range(36_000)))
    spans = _probe._spans(log, 1800.0)
    assert 0 < len(spans) <= _probe._MOST_SPANS
    assert (spans[0][0], spans[-1][1]) == (0.0, 1800.0)
    assert any(state == "silent" for _begin, _end, state in spans)


def test_answers_say_since_when_was_asked(site: Any, build: Any) -> None:
    site.answers["/"] = (200, b"")
    with Prober([build.check(f"{site.url}/")]) as prober:
        _until(lambda: len(site.asked) >= 2)
    found = prober.answers()
    assert found["began"] == json.loads(prober.lines().splitlines()[0])["began"]
    ((begin, _end, state),) = found["urls"][f"{site.url}/"]
    assert (begin, state) == (0.0, "good")
    silence = found["silences"][f"{site.url}/"]
    assert silence[1] - silence[0] == pytest.approx(prober.outage(), abs=0.002)
