# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the searches for secrets and open files find what there is, so that they do not pass blindly."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support import engine, leaks, owned, playbook, processes, secrecy

_SECRET = f"my-{leaks.MARKER}-word"


@pytest.mark.parametrize("login", ["", "x", "xy", "x-access-token:"])
def test_a_secret_is_found_as_text_and_as_a_login(login: str) -> None:
    assert leaks.holds(f"{login}{_SECRET}")
    assert leaks.holds(base64.b64encode(f"{login}{_SECRET}".encode()))
    assert not leaks.holds(base64.b64encode(b"another word altogether"))


def _printing(then: str) -> subprocess.Popen[str]:
    code = f"import sys, time; print({_SECRET!r}, flush=True); {then}"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_one_in_what_a_run_prints_fails_the_test() -> None:
    with pytest.raises(AssertionError, match=leaks.MARKER):
        playbook.finish(_printing("pass"), time.monotonic())


def test_one_in_what_a_run_prints_before_it_is_killed_fails_the_test_too(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = _printing(f"open({str(ready)!r}, 'w'); time.sleep(60)")
    with pytest.raises(AssertionError, match=leaks.MARKER):
        processes.kill_when(process, ready.exists, 0)


@pytest.mark.parametrize(
    "name",
    [
        "shop/journal.json",
        "shop/ledger.jsonl",
        "shop/reports/20261120T100000Z-000001.md",
        "shop/reports/20261120T100000Z-000001.json",
        "shop/restore_points/v1/manifest.json",
        "shop/run.log",
        "shop/activity.json",
    ],
)
def test_one_in_any_file_of_the_state_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stack/state" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"text {_SECRET} text")
    assert [found for state in leaks.state_directories(tmp_path) for found in leaks.files(state)] == [str(path)]
    # The session's own search would find it, too.
    path.unlink()


@pytest.mark.parametrize(("says", "failed"), [(_SECRET, 1), ("nothing", 0)])
@pytest.mark.parametrize(
    "how", ["print({!r})", "import os; os.write(2, {!r}.encode())", "import logging; logging.warning({!r})"]
)
def test_one_that_is_printed_in_passing_fails_the_test_that_did(
    tmp_path: Path, how: str, says: str, failed: int
) -> None:
    (tmp_path / "conftest.py").write_text(f"from {secrecy.__name__} import pytest_runtest_makereport\n")
    (tmp_path / "test_one.py").write_text(f"def test_one():\n    {how.format(says)}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    found = [f"pythonpath={Path(secrecy.__file__).parents[5]}", "addopts=", "testpaths="]
    done = subprocess.run(
        [*command, *(word for each in found for word in ("-o", each))], capture_output=True, text=True, check=False
    )
    assert done.returncode == failed, done.stdout + done.stderr
    assert f"{failed} failed" in done.stdout or "1 passed" in done.stdout


@pytest.mark.parametrize(
    "name", ["shop/restore_points/v1/files/.env", "shop/restore_points/v1/compose.json", "peelback/shop/token"]
)
def test_where_it_has_to_be_it_is_let_be(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(_SECRET)
    assert leaks.files(tmp_path) == []


def test_one_on_a_command_line_is_found_while_the_process_runs() -> None:
    # Its parent is a process that a test started, as Ansible is.
    inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', sys.argv[1][::-1]])"
    command = [sys.executable, "-c", inner, _SECRET[::-1]]
    with leaks.Processes() as found, subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not any(_SECRET in each for each in found.found) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.communicate(b"\n")
    assert any(_SECRET in each for each in found.found)


def test_what_a_test_starts_itself_is_its_own_and_what_ansible_starts_is_not(tmp_path: Path) -> None:
    processes_there = {
        1: (0, "python -m pytest"),
        2: (1, f"docker compose exec {_SECRET}"),
        3: (2, f"/usr/libexec/docker-compose compose exec {_SECRET}"),
        4: (1, f"/venv/bin/ansible-playbook -e {_SECRET}"),
        5: (4, f"/venv/bin/ansible-playbook -e {_SECRET}"),
        6: (5, f"git clone {_SECRET}"),
        7: (6, f"git-remote-https {_SECRET}"),
        11: (1, "git -C /tmp/clone push"),
        12: (11, f"git-remote-http origin {_SECRET}"),
        13: (5, "git fetch"),
        14: (13, f"git-remote-http {_SECRET}"),
        # Somebody runs other tests beside these.
        8: (0, "python -m pytest tests/unit"),
        9: (8, "git fetch"),
        10: (9, f"git-remote-http {_SECRET}"),
    }
    for pid, (parent, command) in processes_there.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_text(command.replace(" ", "\0"))
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a name) S {parent} 0")
    found = leaks.Processes(tmp_path, own=1)
    for _number in range(5):
        found.look()
    strange = (f"git clone {_SECRET}", f"git-remote-http {_SECRET}", f"git-remote-https {_SECRET}")
    assert sorted(found.found) == [each for each in strange for _look in range(3)]


def test_one_in_what_the_engine_says_of_our_containers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[dict[str, Any]] = [
        {"Name": "/ours", "Config": {"Env": [f"TOKEN={_SECRET}"]}},
        {"Name": "/other", "Config": {"Env": ["TOKEN_FILE=/run/secrets/token"]}},
    ]
    monkeypatch.setattr(engine, "docker", lambda *_arguments: "1 2")
    monkeypatch.setattr(engine, "inspect", lambda *_arguments: json.loads(json.dumps(described)))
    assert leaks.containers("ours") == ["/ours"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o777])
def test_a_file_that_others_may_read_or_change_is_named(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "ledger.jsonl"
    path.touch(0o600)
    assert owned.open_to_others(tmp_path) == []
    path.chmod(mode)
    assert owned.open_to_others(tmp_path) == [f"{path} ({mode:o})"]


def test_what_a_run_leaves_is_its_owners_alone_whatever_the_umask(operator: Any) -> None:
    known = os.umask(0)
    try:
        operator.switch()
    finally:
        os.umask(known)
    state = operator.deployment.state
    assert (state / "ledger.jsonl").is_file()
    assert owned.open_to_others(state) == []
