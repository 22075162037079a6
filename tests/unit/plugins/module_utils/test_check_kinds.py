# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _check_kinds
from ansible_collections.tiered.rollback.plugins.module_utils._check import Found, Kind
from ansible_collections.tiered.rollback.plugins.module_utils._check_kinds import Prepared
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def _parse(build: Any, *raw: Any, **servers: str) -> list[Prepared]:
    return _check_kinds.parse(raw, "checks", build.stack(), servers)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"name": "x"}, "exactly one of: url, steps, sql"),
        ({"url": "http://x", "leaks": True}, "names 2 kinds of check (url, leaks)"),
        ({"url": "http://x", "p59": 5}, "Known keys: "),
        ({"url": "http://x", "timeout": 0}, "timeout"),
        ({"container": "x", "restarts": "many"}, "restarts"),
        ("url", "names no kind"),
    ],
)
def test_a_wrong_check_is_named_with_what_would_be_right(build: Any, raw: Any, expected: str) -> None:
    with pytest.raises(RollbackError) as caught:
        _parse(build, {"leaks": True}, raw)
    assert expected in str(caught.value)
    assert "checks[1]" in caught.value.message


def test_servers_are_put_in_where_a_check_names_none(build: Any) -> None:
    own, other = _parse(
        build, {"targets": "all", "prometheus": "http://own"}, {"targets": "all"}, prometheus="http://other"
    )
    assert (own.values["prometheus"], other.values["prometheus"]) == ("http://own", "http://other")
    assert other.name == "targets all"


def test_secrets_are_headers_and_variables(build: Any) -> None:
    step = {"url": "http://x", "headers": {"X-Key": "step-key", "Accept": "text/html"}}
    prepared = _parse(
        build,
        {"url": "http://x", "headers": {"Authorization": "Bearer one"}},
        {"steps": [step], "variables": {"password": "hunter2", "n": 7}},
    )
    assert _check_kinds.secrets(prepared) == {"Bearer one", "step-key", "hunter2"}


def _prepared(look: Any) -> Prepared:
    return Prepared(name="it", kind=Kind(key="k", spec={}, look=look, refuse=lambda *_: None), values={})


def _subject(seconds: float) -> Any:
    return SimpleNamespace(deadline=time.monotonic() + seconds)


def test_checks_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=20)

    def look(*_: Any) -> Found:
        together.wait()
        return Found(ok=True, expected="", found="")

    assert all(verdict.ok for verdict in _check_kinds.run([_prepared(look)] * 3, _subject(30)))


def test_one_that_never_answers_fails_at_the_deadline_and_holds_up_nothing() -> None:
    forever = threading.Event()
    good = _prepared(lambda *_: Found(ok=True, expected="", found=""))

    def look(*_: Any) -> Found:
        forever.wait()
        return Found(ok=True, expected="", found="")

    late, fine = _check_kinds.run([_prepared(look), good], _subject(0.3))
    forever.set()
    assert (late.ok, late.found, fine.ok) == (False, "none in time", True)


def test_an_error_is_what_was_found_and_a_defect_is_no_success() -> None:
    def refuse(*_: Any) -> Found:
        raise RollbackError("no answer", "Start it.")

    def defect(*_: Any) -> Found:
        raise KeyError("x")

    first, second = _check_kinds.run([_prepared(refuse), _prepared(defect)], _subject(30))
    assert (first.ok, first.found, first.hint) == (False, "no answer", "Start it.")
    assert (second.ok, second.found) == (False, "KeyError: 'x'")
