# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _journal
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._journal import Journal


@pytest.fixture
def journal(tmp_path: Path, build: Any) -> Journal:
    """An open journal."""
    return Journal(path=tmp_path / _journal.NAME, run=build.run(), kind="rollback", tier=1, target="p1", before="b1")


def test_a_journal_survives_the_process(tmp_path: Path, journal: Journal) -> None:
    with journal.step("configuration", files=["a", "b"]):
        pass
    journal.facts["plan"] = {"steps": []}
    journal.save()
    assert _journal.load(tmp_path) == journal


def test_a_step_is_on_disk_before_it_begins_and_after_it_ended(tmp_path: Path, journal: Journal) -> None:
    with journal.step("configuration", files=["a"]):
        during = _journal.load(tmp_path)
    after = _journal.load(tmp_path)
    assert during is not None
    assert after is not None
    assert during.steps[0].keys() == {"name", "run", "begun", "files"}
    assert after.steps[0]["ended"] >= after.steps[0]["begun"]


@pytest.mark.parametrize("error", [RollbackError("it broke", "a hint"), OSError("full"), KeyboardInterrupt()])
def test_a_step_that_fails_is_recorded_and_the_error_goes_on(
    tmp_path: Path, journal: Journal, error: BaseException
) -> None:
    with pytest.raises(type(error)), journal.step("images"):
        raise error
    after = _journal.load(tmp_path)
    assert after is not None
    assert after.steps[0]["failed"].startswith(type(error).__name__)
    assert "HINT" not in after.steps[0]["failed"]


def test_began_is_the_oldest_step_or_the_runs_start(journal: Journal) -> None:
    assert journal.began == journal.run.started
    journal.steps += [{"begun": "2026-01-01"}, {"begun": "2026-01-02"}]
    assert journal.began == "2026-01-01"


def test_a_closed_journal_is_gone(tmp_path: Path, journal: Journal) -> None:
    journal.save()
    journal.close()
    assert _journal.load(tmp_path) is None
    journal.close()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "null", '{"run": {}}', '{"run": {"id": "x"}}'])
def test_a_damaged_journal_is_an_error_that_names_it_and_not_an_absent_one(tmp_path: Path, text: str) -> None:
    (tmp_path / _journal.NAME).write_text(text)
    with pytest.raises(RollbackError, match=_journal.NAME):
        _journal.load(tmp_path)


def test_times_sort_as_text_and_say_that_they_are_utc() -> None:
    first, second = _journal.now(), _journal.now()
    assert first <= second
    assert first.endswith("+00:00")


def test_a_run_that_was_killed_before_it_touched_anything_is_none(tmp_path: Path, journal: Journal) -> None:
    journal.before = None
    journal.save()
    assert _journal.load(tmp_path) is None


def test_progress_is_noted_with_the_step_but_not_at_every_call(tmp_path: Path, journal: Journal) -> None:
    with journal.step("copy shop"):
        journal.progress(1, 10, "tables")
        journal.progress(2, 10, "tables")
        during = _journal.load(tmp_path)
    assert during is not None
    assert during.steps[0]["progress"] == {"done": 1, "total": 10, "unit": "tables"}


def test_a_stack_with_an_unfinished_run_is_refused_and_the_run_named(tmp_path: Path, journal: Journal) -> None:
    _journal.refuse_unfinished(tmp_path, "so nothing is known")
    journal.before = "before-1"
    journal.save()
    with pytest.raises(RollbackError, match=f"run {journal.run.id} .* was not finished, so nothing is known"):
        _journal.refuse_unfinished(tmp_path, "so nothing is known")


def test_what_failed_is_noted_without_secrets(journal: Journal) -> None:
    journal.secrets = {"hunter2", "x" * 600}
    with pytest.raises(ValueError, match="hunter2"), journal.step("copy"):
        raise ValueError("the server said hunter2 " + "x" * 600)
    assert journal.steps[0]["failed"] == "ValueError: the server said *** ***"
    assert "hunter2" not in journal.path.read_text()
