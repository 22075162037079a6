# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _announce

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"


def _proc(root: Path, *rows: str) -> Path:
    (root / "7/net").mkdir(parents=True)
    (root / "7/net/route").write_text(HEAD + "".join(f"eth0 {row} 0003 0 0 0 00000000\n" for row in rows))
    return root


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (["00000000 010012AC", "000012AC 00000000"], "172.18.0.1"),
        (["000012AC 00000000"], None),
        (["00000000 00000000"], None),
        ([], None),
    ],
)
def test_the_gateway_is_the_default_routes(tmp_path: Path, rows: list[str], wanted: str | None) -> None:
    assert _announce.default_gateway(7, _proc(tmp_path, *rows)) == wanted


def test_a_process_that_is_gone_has_no_gateway(tmp_path: Path) -> None:
    assert _announce.default_gateway(7, tmp_path) is None


def test_a_container_on_another_host_is_left_alone(build: Any) -> None:
    assert _announce.announce(build.container()) is False


def test_without_the_right_to_enter_the_namespace_nothing_is_sent(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_announce._proc, "is_local", lambda _container: True)
    monkeypatch.setattr(_announce, "default_gateway", lambda _pid: "127.0.0.1")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(setns=lambda *_: -1))
    assert _announce.announce(build.container(pid=1)) is False
    assert _announce.announce(build.container(pid=4_000_000_000)) is False
