# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _command, _drain
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

HEAD = "  sl  local_address rem_address   st tx_queue\n"
ANY4, ANY6 = "00000000", "0" * 32
CONTAINER, CLIENT, LOOPBACK, RESOLVER = "020012AC", "010012AC", "0100007F", "0B00007F"
LOOPBACK6 = "0" * 24 + "01000000"
MAPPED = "0000000000000000FFFF0000"


def _proc(tmp_path: Path, tcp: list[str], tcp6: list[str] | None = None) -> Path:
    net = tmp_path / "7" / "net"
    net.mkdir(parents=True)
    for name, rows in (("tcp", tcp), ("tcp6", tcp6)):
        if rows is not None:
            (net / name).write_text(HEAD + "".join(f"   0: {row} 00000000:00000000\n" for row in rows))
    return tmp_path


LISTENS = f"{ANY4}:1F90 {ANY4}:0000 0A"
LISTENS6 = f"{ANY6}:1F90 {ANY6}:0000 0A"
SOCKETS: dict[str, tuple[list[str], list[str] | None, int]] = {
    "nobody": ([LISTENS], None, 0),
    "two clients": ([LISTENS, f"{CONTAINER}:1F90 {CLIENT}:C001 01", f"{CONTAINER}:1F90 {CLIENT}:C002 01"], None, 2),
    "a closed one": ([LISTENS, f"{CONTAINER}:1F90 {CLIENT}:C001 06"], None, 0),
    "its own to a database": ([LISTENS, f"{CONTAINER}:C001 {CLIENT}:1538 01"], None, 0),
    "its own health check": ([LISTENS, f"{LOOPBACK}:1F90 {LOOPBACK}:C001 01"], None, 0),
    "its own over IPv6": ([], [LISTENS6, f"{LOOPBACK6}:1F90 {LOOPBACK6}:C001 01"], 0),
    "its own, mapped": ([], [LISTENS6, f"{MAPPED}{LOOPBACK}:1F90 {MAPPED}{LOOPBACK}:C001 01"], 0),
    "a client, mapped": ([], [LISTENS6, f"{MAPPED}{CONTAINER}:1F90 {MAPPED}{CLIENT}:C001 01"], 1),
    "only the engine's resolver listens": ([f"{RESOLVER}:1F90 {ANY4}:0000 0A"], None, 0),
}


@pytest.mark.parametrize(("tcp", "tcp6", "wanted"), SOCKETS.values(), ids=SOCKETS)
def test_only_open_connections_of_clients_are_counted(
    tmp_path: Path, tcp: list[str], tcp6: list[str] | None, wanted: int
) -> None:
    assert _drain.connections(7, _proc(tmp_path, tcp, tcp6)) == wanted


def test_a_process_that_is_gone_has_no_connections(tmp_path: Path) -> None:
    assert _drain.connections(7, tmp_path) == 0


@pytest.mark.parametrize(
    ("rows", "wanted"), [([LISTENS], True), ([f"{RESOLVER}:1F90 {ANY4}:0000 0A"], False), ([], False)]
)
def test_a_container_serves_when_it_listens_to_others(
    tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch, rows: list[str], wanted: bool
) -> None:
    proc, real = _proc(tmp_path, rows), _drain._sockets
    monkeypatch.setattr(_drain._proc, "is_local", lambda _container: True)
    monkeypatch.setattr(_drain, "_sockets", lambda pid: real(pid, proc))
    assert _drain.serves(build.container(pid=7)) is wanted


def test_a_container_on_another_host_is_taken_to_serve(build: Any) -> None:
    assert _drain.serves(build.container())


def _local(monkeypatch: pytest.MonkeyPatch, readings: list[int], script: list[int]) -> None:
    """Let connections be counted as the script says, its last number for ever; each reading is noted."""

    def count(_pid: int) -> int:
        readings.append(script[min(len(readings), len(script) - 1)])
        return readings[-1]

    monkeypatch.setattr(_drain._proc, "is_local", lambda _container: True)
    monkeypatch.setattr(_drain, "_POLL", 0.001)
    monkeypatch.setattr(_drain, "connections", count)


def test_one_quiet_reading_between_two_requests_is_not_taken_for_the_end(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[int] = []
    _local(monkeypatch, readings, [2, 0, 1, 0])
    assert _drain.wait_until_quiet(build.container(), timeout=5) == 0
    assert readings[:3] == [2, 0, 1]
    assert len(readings) - 3 >= _drain._QUIET


def test_a_client_that_never_goes_is_waited_for_a_bounded_time_and_counted(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _local(monkeypatch, [], [3])
    begun = time.monotonic()
    assert _drain.wait_until_quiet(build.container(), timeout=0.05) == 3
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("missing", ["nsenter", "iptables"])
def test_without_the_tools_nothing_is_refused_and_nothing_fails(
    build: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(_drain._proc, "is_local", lambda _container: True)
    monkeypatch.setattr("shutil.which", lambda name: None if name == missing else f"/sbin/{name}")
    monkeypatch.setattr(_command, "run", lambda *_a, **_k: pytest.fail("a command was run"))
    assert _drain.refuse_new_connections(build.container()) is False


@pytest.mark.parametrize("works", [True, False])
def test_new_connections_are_refused_inside_the_containers_own_network(
    build: Any, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    said: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> str:
        said.append(argv)
        if not works:
            raise RollbackError("iptables failed")
        return ""

    monkeypatch.setattr(_drain._proc, "is_local", lambda _container: True)
    monkeypatch.setattr("shutil.which", lambda name: f"/sbin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(_command, "run", run)
    assert _drain.refuse_new_connections(build.container(pid=7)) is works
    text = " ".join(said[0])
    assert text.startswith("nsenter --target 7 --net -- iptables")
    assert "! -i lo" in text
