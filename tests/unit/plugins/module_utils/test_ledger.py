# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _ledger
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def _fill(state: Path, count: int) -> bytes:
    for number in range(count):
        _ledger.append(state, {"run": f"r{number}", "outcome": "succeeded", "reason": "läuft | \n nicht"})
    return (state / _ledger.NAME).read_bytes()


def test_entries_come_back_in_order_and_chained(tmp_path: Path) -> None:
    _fill(tmp_path, 3)
    entries = _ledger.entries(tmp_path)
    assert [(entry["run"], entry["sequence"]) for entry in entries] == [("r0", 1), ("r1", 2), ("r2", 3)]
    assert [entry["previous"] for entry in entries] == [_ledger.GENESIS, entries[0]["hash"], entries[1]["hash"]]


def test_no_ledger_is_an_empty_history(tmp_path: Path) -> None:
    assert _ledger.entries(tmp_path) == []


def test_the_same_run_is_recorded_once(tmp_path: Path) -> None:
    before = _fill(tmp_path, 2)
    again = _ledger.append(tmp_path, {"run": "r0", "outcome": "failed"})
    assert again["outcome"] == "succeeded"
    assert (tmp_path / _ledger.NAME).read_bytes() == before


def test_the_ledger_is_for_its_owner_only(tmp_path: Path) -> None:
    _fill(tmp_path, 1)
    assert (tmp_path / _ledger.NAME).stat().st_mode & 0o777 == 0o600


def test_a_last_line_torn_anywhere_is_left_out_and_cut_by_the_next_entry(tmp_path: Path) -> None:
    whole = _fill(tmp_path, 2)
    start = whole.index(b"\n") + 1
    for end in range(start, len(whole)):
        (tmp_path / _ledger.NAME).write_bytes(whole[:end])
        assert [entry["run"] for entry in _ledger.entries(tmp_path)] == ["r0"]
        _ledger.append(tmp_path, {"run": "r1", "outcome": "succeeded", "reason": "läuft | \n nicht"})
        assert (tmp_path / _ledger.NAME).read_bytes() == whole


def test_a_torn_line_longer_than_the_next_entry_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = _fill(tmp_path, 1)
    (tmp_path / _ledger.NAME).write_bytes(whole + b'{"reason": "' + b"x" * 5000)
    _ledger.append(tmp_path, {"run": "r1"})
    assert [entry["run"] for entry in _ledger.entries(tmp_path)] == ["r0", "r1"]
    assert b"xxx" not in (tmp_path / _ledger.NAME).read_bytes()


def test_a_changed_byte_anywhere_in_the_ledger_is_found(tmp_path: Path) -> None:
    whole = _fill(tmp_path, 2)
    # Not the very last newline: without it the line counts as torn, as the test above says.
    for place in range(len(whole) - 1):
        torn = bytearray(whole)
        torn[place] ^= 0x01
        (tmp_path / _ledger.NAME).write_bytes(bytes(torn))
        with pytest.raises(RollbackError, match=r"line [12] of .*ledger\.jsonl was changed"):
            _ledger.entries(tmp_path)


@pytest.mark.parametrize("number", [0, 1])
def test_a_line_taken_out_of_the_chain_is_found(tmp_path: Path, number: int) -> None:
    lines = _fill(tmp_path, 3).splitlines(keepends=True)
    del lines[number]
    (tmp_path / _ledger.NAME).write_bytes(b"".join(lines))
    with pytest.raises(RollbackError, match=f"line {number + 1} "):
        _ledger.entries(tmp_path)


def test_nothing_is_recorded_on_a_broken_chain(tmp_path: Path) -> None:
    whole = _fill(tmp_path, 2)
    (tmp_path / _ledger.NAME).write_bytes(whole.replace(b'"r0"', b'"rX"'))
    before = (tmp_path / _ledger.NAME).read_bytes()
    with pytest.raises(RollbackError, match="line 1 "):
        _ledger.append(tmp_path, {"run": "r2"})
    assert (tmp_path / _ledger.NAME).read_bytes() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_any_bytes_are_either_refused_or_hold_no_whole_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / _ledger.NAME).write_bytes(data)
    try:
        entries = _ledger.entries(tmp_path)
    except RollbackError:
        assert b"\n" in data
        return
    assert entries == []
    assert b"\n" not in data


_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(record=st.dictionaries(st.text(max_size=5), _VALUES, max_size=4))
def test_whatever_a_record_holds_is_read_back(tmp_path: Path, record: dict[str, Any]) -> None:
    (tmp_path / _ledger.NAME).unlink(missing_ok=True)
    given_record = {**record, "run": "r"}
    _ledger.append(tmp_path, given_record)
    (entry,) = _ledger.entries(tmp_path)
    chain = {"sequence", "previous", "hash"}
    assert {key: value for key, value in entry.items() if key not in chain} == {
        key: value for key, value in json.loads(json.dumps(given_record)).items() if key not in chain
    }
