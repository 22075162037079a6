# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _baseline
from ansible_collections.tiered.rollback.plugins.module_utils._check import Verdict


def _verdict(p95: float, **changes: Any) -> Verdict:
    figures = {"p50": 10, "p95": p95, "p99": p95, "requests": 40}
    values = {"name": "front", "kind": "url", "ok": True, "expected": "", "found": "", "figures": figures}
    return Verdict(**{**values, **changes})


@pytest.mark.parametrize(
    ("then", "now", "ok"), [(100, 150, True), (100, 151, False), (4, 29, True), (4, 30, False), (100, 1, True)]
)
def test_slower_than_the_tolerance_fails_and_noise_does_not(then: float, now: float, ok: bool) -> None:
    (found,) = _baseline.compare([_verdict(now)], {"front": {"p50": 10, "p95": then}}, 50, "v0.9.0")
    assert (found.ok, found.name, found.kind) == (ok, "front as in v0.9.0", "baseline")
    assert bool(found.hint) is not ok


def test_only_what_was_measured_both_times_is_compared() -> None:
    once = {"p50": 1, "p95": 1, "requests": 1}
    verdicts = [_verdict(999, name="other"), _verdict(999, ok=False), _verdict(999, figures=once)]
    assert _baseline.compare(verdicts, {"front": {"p50": 1, "p95": 1}}, 50, "v0.9.0") == []


def test_every_check_is_measured(build: Any, site: Any) -> None:
    site.answers["/"] = (200, b"")
    found = _baseline.measure([build.check(f"{site.url}/", name="front")])
    assert set(found) == {"front"}
    assert 0 < found["front"]["p50"] <= found["front"]["p95"]
    assert len(site.asked) > 1
    assert _baseline.measure([]) == {}
