# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _gates
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._gates import Gate, Ran

_LCOV = b"SF:src/auth/a.ts\nLF:10\nLH:10\nend_of_record\nSF:src/web/b.ts\nLF:30\nLH:14\nend_of_record\n"


def _one(**entry: Any) -> Gate:
    (gate,) = _gates.parse([{"name": "mine", **entry}], "gates")
    return gate


def _judge(gate: Gate, code: int | None = 0, output: str = "", **more: Any) -> tuple[str, str]:
    verdict = _gates.judge(gate, Ran(code=code, seconds=1.26, output=output, **more), "")
    return verdict.state, verdict.found


def test_a_command_is_a_list_and_a_line_goes_to_a_shell_only_where_that_is_asked_for() -> None:
    assert _one(command=["npm", "test", 1]).argv == ("npm", "test", "1")
    (gate,) = _gates.parse([{"name": "mine", "command": "a | b", "shell": True}], "gates")
    assert gate.argv == ("/bin/sh", "-c", "a | b")


def test_a_profile_adds_what_is_not_listed_and_what_nobody_configured_is_known() -> None:
    gates = _gates.parse([{"name": "lint", "command": ["lint"]}, {"profile": "layers"}, "rollback_plan"], "gates")
    assert [gate.name for gate in gates] == [
        *("lint", "rollback_plan"),
        *("build", "tests", "coverage", "security_scan", "image_build"),
    ]
    assert [gate.name for gate in gates if gate.configured] == ["lint", "rollback_plan"]
    both = _gates.parse([{"profile": "layers"}, {"profile": "platform"}], "gates")
    assert len(both) == 13
    told = _gates.unset(both[0])
    assert (told.state, told.ok) == ("not configured", False)
    assert "[npm, run, lint]" in told.expected


def test_every_gate_of_a_profile_is_ready() -> None:
    assert {name for names in _gates.PROFILES.values() for name in names} == set(_gates.READY)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"command": "npm test"}, "must be a list of arguments"),
        ({"command": []}, "must be a list of arguments"),
        ({"command": ["a"], "shell": True}, "must be a text with shell"),
        ({}, "has neither command nor check"),
        ({"command": ["a"], "check": {"url": "http://x"}}, "has both command and check"),
        ({"command": ["a"], "timeout": 0}, "timeout must be above 0"),
        ({"command": ["a"], "timeout": 7201}, "timeout must be above 0"),
        ({"command": ["a"], "at_most": 5}, "is a limit of nothing"),
        ({"command": ["a"], "figure": "x"}, "needs one group and a limit"),
        ({"command": ["a"], "figure": "(x", "at_most": 1}, "no regular expression"),
        ({"command": ["a"], "figure": "(x)", "report": "r.xml", "at_most": 1}, "both figure and report"),
        ({"command": ["a"], "paths": {"src": 90}}, "paths needs a report"),
        ({"command": ["a"], "report": "r.xml", "paths": {"src": 101}}, "must be a percentage"),
        ({"check": {"url": "http://x"}, "report": "r.xml"}, "report needs the command"),
        ({"comand": ["a"]}, "comand"),
        ({"name": "../x", "command": ["a"]}, "name is malformed"),
    ],
)
def test_what_is_wrong_is_named(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(RollbackError, match=message):
        _one(**entry)


@pytest.mark.parametrize(
    "raw", [[{"profile": "nope"}], [{"profile": "layers", "name": "x"}], [7], [{"command": ["a"]}]]
)
def test_what_is_no_gate_is_refused(raw: list[Any]) -> None:
    with pytest.raises(RollbackError, match="gates"):
        _gates.parse(raw, "gates")


def test_two_gates_of_one_name_are_refused() -> None:
    with pytest.raises(RollbackError, match="two gates are called lint"):
        _gates.parse([{"name": "lint", "command": ["a"]}, {"name": "lint", "command": ["b"]}], "gates")


def test_a_gate_is_skipped_by_its_name_and_with_a_reason() -> None:
    gates = _gates.parse(["rollback_plan", "lint"], "gates")
    assert _gates.skipping(gates, [], None) == set()
    assert _gates.skipping(gates, ["lint"], "no npm") == {"lint"}
    with pytest.raises(RollbackError, match="cannot be skipped without a reason"):
        _gates.skipping(gates, ["lint"], None)
    with pytest.raises(RollbackError, match="there is no gate lnit to skip"):
        _gates.skipping(gates, ["lnit"], "why")


def test_a_command_that_does_not_end_well_fails() -> None:
    gate = _one(command=["a"], timeout=9)
    assert _judge(gate) == ("passed", "exit code 0")
    assert _judge(gate, 3) == ("failed", "exit code 3")
    assert _judge(gate, None) == ("too late", "no end after 9 s")
    assert _judge(gate, problem="cannot run a: no such file") == ("failed", "cannot run a: no such file")


@pytest.mark.parametrize(
    ("output", "state", "found"),
    [
        ("p95=700\np95=400 ms", "passed", "400"),
        ("p95=1,200.5", "failed", "1200.5 is more than 500"),
        ("p95=", "failed", "it printed no figure"),
        ("p95=.", "failed", "it printed no figure"),
    ],
)
def test_the_last_figure_counts_against_its_limit(output: str, state: str, found: str) -> None:
    gate = _one(command=["a"], figure="p95=([0-9.,]+)", at_most=500)
    assert _judge(gate, 0, output)[0] == state
    assert found in _judge(gate, 0, output)[1]
    assert _gates.expected(gate) == "exit code 0, at most 500"


@pytest.mark.parametrize(
    ("limits", "state", "found"),
    [
        ({"at_least": 60}, "passed", "60.0 % covered"),
        ({"at_least": 61}, "failed", "60.0 % is less than 61"),
        ({"paths": {"./src/auth/**/*.ts": 95}}, "passed", "60.0 % covered"),
        ({"paths": {"src/web": 50}}, "failed", "src/web: 46.7 % is less than 50 %"),
        ({"paths": {"src/no": 1}}, "failed", "says nothing of src/no"),
    ],
)
def test_coverage_is_judged_as_a_whole_and_by_path(limits: dict[str, Any], state: str, found: str) -> None:
    gate = _one(command=["a"], report="lcov.info", **limits)
    got = _judge(gate, report=_LCOV)
    assert got[0] == state
    assert found in got[1]


def test_a_report_that_is_not_there_or_is_none_fails() -> None:
    gate = _one(command=["a"], report="lcov.info", at_least=1)
    assert _judge(gate) == ("failed", "it wrote no lcov.info")
    assert _judge(gate, report=b"hello") == ("failed", "lcov.info is no coverage report, or has measured nothing")
    broken = _one(command=["a"], report="c.xml", at_least=1)
    assert "cannot be read" in _judge(broken, report=b"<coverage")[1]


def test_coverage_that_nobody_limits_must_be_what_the_document_asks() -> None:
    (gate,) = _gates.parse([{"name": "coverage", "command": ["a"], "report": "x.xml"}], "gates")
    assert gate.at_least == 55
