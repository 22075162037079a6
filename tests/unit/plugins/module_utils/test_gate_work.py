# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _gate_work
from ansible_collections.tiered.rollback.plugins.module_utils._gates import Gate, Verdict


def _shell(line: str, **more: object) -> Gate:
    return Gate(name="g", argv=("/bin/sh", "-c", line), **more)  # type: ignore[arg-type]


def _look(gate: Gate) -> Verdict:
    return Verdict(name=gate.name, state="passed", found="looked")


def test_a_command_runs_where_it_is_told_and_both_outputs_are_kept(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    ran = _gate_work.command(_shell("pwd; echo wrong >&2; exit 3", cwd="sub"), tmp_path)
    assert (ran.code, ran.output) == (3, f"{tmp_path}/sub\nwrong\n")
    absolute = _gate_work.command(_shell("pwd", cwd=str(tmp_path / "sub")), Path("/"))
    assert absolute.output.strip() == f"{tmp_path}/sub"


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "cannot run no-such" in _gate_work.command(Gate(name="g", argv=("no-such",)), tmp_path).problem
    assert "cannot run /bin/sh" in _gate_work.command(_shell("true", cwd="nowhere"), tmp_path).problem


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    gate = _shell("sleep 600 & echo $! >child; echo begun; wait", timeout=1)
    ran = _gate_work.command(gate, tmp_path)
    assert (ran.code, ran.output) == (None, "begun\n")
    child = Path("/proc", (tmp_path / "child").read_text().strip())
    _wait_gone(child)


def test_what_one_that_ended_left_running_is_not_waited_for_and_ended(tmp_path: Path) -> None:
    ran = _gate_work.command(_shell("sleep 600 & echo $! >child"), tmp_path)
    assert ran.code == 0
    _wait_gone(Path("/proc", (tmp_path / "child").read_text().strip()))


def _wait_gone(process: Path) -> None:
    deadline = time.monotonic() + 20
    while process.exists() and "Z (" not in (process / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_gates_run_side_by_side(tmp_path: Path) -> None:
    """Each waits for the other's file, which one after the other never ends."""
    lines = [f"touch {me}; while [ ! -e {other} ]; do sleep 0.02; done" for me, other in (("a", "b"), ("b", "a"))]
    gates = [Gate(name=line[6], argv=("/bin/sh", "-c", line), timeout=60) for line in lines]
    verdicts = list(_gate_work.run([*gates, Gate(name="c")], _look, tmp_path, []))
    assert {verdict.name: verdict.state for verdict in verdicts} == dict.fromkeys("abc", "passed")
    assert list(_gate_work.run([], _look, tmp_path, [])) == []


def test_secrets_do_not_show_in_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_TOKEN", "from-the-environment")
    monkeypatch.setenv("PLACE", "in the open")
    gate = _shell('echo "$NPM_TOKEN $MINE $PLACE of-the-stack"', env={"MINE": "of the gate"})
    (verdict,) = _gate_work.run([gate], _look, tmp_path, ["of-the-stack"])
    assert verdict.tail == "*** *** in the open ***"


def test_a_report_counts_only_where_the_command_wrote_it(tmp_path: Path) -> None:
    old = tmp_path / "old.info"
    old.write_text("LF:1\n")
    os.utime(old, (1, 1))
    assert _gate_work.command(_shell("true", report="old.info"), tmp_path).report is None
    assert _gate_work.command(_shell("true", report="none.info"), tmp_path).report is None
    assert _gate_work.command(_shell("echo LF:2 >old.info", report="old.info"), tmp_path).report == b"LF:2\n"


def test_the_tail_is_the_last_lines_as_a_person_saw_them() -> None:
    text = "\n".join(f"line {number}" for number in range(50)) + "\n10 %\r100 %\n\x1b[31mred\x1b[0m\n"
    told = _gate_work.tail(text).split("\n")
    assert (len(told), told[-2:]) == (20, ["100 %", "red"])


def test_an_endless_output_is_cut(tmp_path: Path) -> None:
    ran = _gate_work.command(Gate(name="g", argv=(sys.executable, "-c", "print('x' * 10**6)")), tmp_path)
    assert len(ran.output) <= 256 << 10
