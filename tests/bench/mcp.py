# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MCP containers and their data: many at once against one, the document's loop, and snapshots against ``cp -a``."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from statistics import median

from ansible_collections.tiered.rollback.tests.bench import stacks
from ansible_collections.tiered.rollback.tests.bench.procedures import VERSION, call, environment
from ansible_collections.tiered.rollback.tests.bench.report import Row, row
from ansible_collections.tiered.rollback.tests.support import playbook
from ansible_collections.tiered.rollback.tests.support.stack import HEALTHCHECK, Stack

_FLEET = 20
_FILES, _SIZE = 10_000, 4096
_LOOP = Path(__file__).parent / "peer_document_003_mcp.sh"
#: Twenty containers that are asked every 150 ms would measure little but their health checks.
_HEALTHCHECK = {**HEALTHCHECK, "interval": "2s", "start_interval": "500ms", "start_period": "20s"}


def measure(runs: int) -> list[Row]:
    """Measure everything, interleaved, and return the rows."""
    with stacks.Bench() as bench:
        stack = _fleet(bench)
        one, all_of_them, loop = [], [], []
        for number in range(1, runs + 1):
            one.append(_ours(stack, f"{number}/{runs} one container", "service=mcp-00"))
            all_of_them.append(_ours(stack, f"{number}/{runs} {_FLEET} containers", "pattern=mcp-*"))
            # It sleeps five seconds for each container, so that once is enough to know.
            if not loop:
                loop.append(_document(stack, f"{number}/{runs} {_FLEET} containers"))
    snapshot = _snapshots(runs)
    return [
        row(f"mcp: {_FLEET} containers, against one", median(all_of_them), "s", peer=median(one), bound=2.5),
        row(f"mcp: {_FLEET} containers, against document 003's loop", median(all_of_them), "s", peer=median(loop)),
        row(
            f"mcp: snapshot of {_FILES} files, 1 % changed, against cp -a",
            1000 * snapshot["snapshot"],
            "ms",
            peer=1000 * snapshot["cp"],
            bound=0.2,
        ),
    ]


def _fleet(bench: stacks.Bench) -> Stack:
    stack = bench.make()
    names = [f"mcp-{number:02}" for number in range(_FLEET)]
    stack.compose({name: stack.service(f"{name}:production", healthcheck=_HEALTHCHECK) for name in names})
    stack.description["services"] = {}
    _deploy(stack, VERSION)
    stack.capture(VERSION)
    return stack


def _deploy(stack: Stack, version: str) -> None:
    for number in range(_FLEET):
        stack.tag(f"mcp-{number:02}:production", version)
    stack.up()


def _ours(stack: Stack, title: str, given: str) -> float:
    _deploy(stack, stacks.NEW)
    stack.write_inventory()
    command = ["ansible-playbook", "mcp-rollback.yml", "-e", given, "-e", f"version={VERSION}"]
    begin = time.monotonic()
    call(command, playbook.PLAYBOOKS, environment(stack, "tiered.rollback.timeline"))
    return _told(title, begin)


def _document(stack: Stack, title: str) -> float:
    _deploy(stack, stacks.NEW)
    begin = time.monotonic()
    call([str(_LOOP), stack.project, stack.images.get(VERSION)], stack.src, timeout=600)
    return _told(f"{title}, document 003", begin)


def _told(title: str, begin: float) -> float:
    took = time.monotonic() - begin
    print(f"    {title}: {took:.2f} s", flush=True)
    return took


def _snapshots(runs: int) -> dict[str, float]:
    """Run peelback's own benchmark in its own environment."""
    root = playbook.ROOT
    python = root / ".cache/peelback-venv/bin/python"
    command = [str(python), "tests/bench.py", str(_FILES), str(_SIZE), str(max(runs, 3)), "--json"]
    said = subprocess.run(
        command,
        cwd=root / "peelback",
        env={**os.environ, "PYTHONPATH": "src"},
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    found: dict[str, float] = json.loads(said.stdout)
    print(f"    snapshot {found['snapshot']:.3f} s, cp -a {found['cp']:.3f} s", flush=True)
    return found
