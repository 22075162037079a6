# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _command
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError


def test_a_command_is_an_argument_list_and_never_a_shell(tmp_path: Path) -> None:
    assert _command.run(["echo", "$HOME; touch x", "`id`"], cwd=str(tmp_path)) == "$HOME; touch x `id`\n"
    assert not list(tmp_path.iterdir())


def test_a_command_runs_where_it_is_told_without_input_and_with_readable_messages(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), repr(sys.stdin.read()), os.environ['LC_ALL'])"
    assert _command.run([sys.executable, "-c", code], cwd=str(tmp_path)) == f"{tmp_path} '' C.UTF-8\n"


def test_a_directory_by_a_link_is_known_by_the_name_it_was_given(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert _command.run(["sh", "-c", "pwd"], cwd=str(link)) == f"{link}\n"


def test_a_failure_quotes_what_the_command_said_and_gives_the_hint() -> None:
    with pytest.raises(RollbackError, match=r"sh -c echo lost >&2; exit 3 failed \(3\): lost") as caught:
        _command.run(["sh", "-c", "echo lost >&2; exit 3"], hint="look there")
    assert caught.value.hint == "look there"


def test_a_failure_without_an_error_message_quotes_the_output() -> None:
    with pytest.raises(RollbackError, match="only this"):
        _command.run(["sh", "-c", "echo only this; exit 1"])


def test_an_exit_code_that_is_accepted_is_no_failure() -> None:
    assert _command.run(["sh", "-c", "echo found; exit 1"], accept=(0, 1)) == "found\n"
    with pytest.raises(_command.CommandError, match=r"failed \(2\)") as caught:
        _command.run(["sh", "-c", "exit 2"], accept=(0, 1))
    assert caught.value.code == 2


def test_a_long_message_is_cut_and_arguments_after_the_third_are_not_shown() -> None:
    with pytest.raises(RollbackError) as caught:
        _command.run(["sh", "-c", "yes | head -c 100000 >&2; exit 1", "sh", "SECRET"])
    assert len(caught.value.message) < 2000
    assert "SECRET" not in caught.value.message


def test_a_command_that_is_not_installed_says_so() -> None:
    with pytest.raises(RollbackError, match="cannot run no-such-command-here") as caught:
        _command.run(["no-such-command-here", "x"])
    assert "Install no-such-command-here" in caught.value.hint


def test_a_command_that_hangs_is_killed(tmp_path: Path) -> None:
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(RollbackError, match="took longer than 1 s"):
        _command.run([sys.executable, "-c", code], timeout=0.6)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_output_that_is_no_utf_8_does_not_break_anything() -> None:
    assert _command.run(["printf", r"a\377b"]) == "a\ufffdb"


def test_what_goes_to_both_outputs_can_be_had_in_order() -> None:
    argv = ["sh", "-c", "echo one; echo two >&2; echo three"]
    assert _command.run(argv) == "one\nthree\n"
    assert _command.run(argv, merged=True) == "one\ntwo\nthree\n"
    with pytest.raises(RollbackError, match="one two"):
        _command.run(["sh", "-c", "printf 'one '; echo two >&2; exit 1"], merged=True)


def test_files_are_made_with_the_mode_that_is_asked_for(tmp_path: Path) -> None:
    _command.run(["touch", str(tmp_path / "x")], umask=0o027)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_a_variable_is_given_beside_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "1")
    assert _command.run(["sh", "-c", "echo $HERE $SECRET"], env={"SECRET": "2"}) == "1 2\n"


def test_git_below_a_hook_does_not_work_on_the_hooks_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "hook"))
    _command.run(["git", "init", "--quiet", "here"], cwd=str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_what_prints_a_file_is_read_byte_for_byte() -> None:
    assert _command.read(["printf", "a\\r\\n\\377"]) == b"a\r\n\xff"
    with pytest.raises(_command.CommandError, match=r"sh failed \(3\): gone"):
        _command.read(["sh", "-c", "echo gone >&2; exit 3"])
    with pytest.raises(RollbackError, match="cannot run no-such-command"):
        _command.read(["no-such-command"])
