# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts by one command, against as many single commands; each is a stack of one service on this engine."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from ansible_collections.tiered.rollback.tests.bench import stacks
from ansible_collections.tiered.rollback.tests.bench.procedures import PATH, VERSION, environment
from ansible_collections.tiered.rollback.tests.bench.report import Row, row
from ansible_collections.tiered.rollback.tests.support import engine, playbook
from ansible_collections.tiered.rollback.tests.support.fleet import Fleet
from ansible_collections.tiered.rollback.tests.support.stack import HEALTHCHECK, Stack

#: How many hosts the fleets have, separated by commas.
SIZES = "TIERED_BENCH_HOSTS"
#: The same for every size, so that they differ in nothing else.
_BATCH = 10
#: Asked seldom once it is healthy: the checks of fifty containers would be most of what is measured.
_HEALTHCHECK = {**HEALTHCHECK, "interval": "30s", "start_period": "20s", "start_interval": "250ms"}
_SAMPLE = 1.0


def measure(runs: int) -> list[Row]:
    """Measure single runs, then a fleet of each size, and return the rows."""
    sizes = sorted(int(size) for size in os.environ.get(SIZES, "10,50").split(","))
    with stacks.Bench() as bench, _network() as network:
        fleet = _fleet(bench, network, sizes[-1])
        single = [_single(stack, f"{number}/{runs}") for number, stack in enumerate(fleet.stacks[:runs], 1)]
        found = {}
        for size in sizes:
            fleet.each(_put_back)
            found[size] = _roll(fleet, size)
    return rows(median(single), found)


def rows(single: float, found: Mapping[int, tuple[float, float]]) -> list[Row]:
    """Return the rows.

    :param single: seconds of one run on one host.
    :param found: by number of hosts the fleet's seconds, and the most megabytes of its controller.
    """
    made = []
    for size, (seconds, _memory) in found.items():
        name = f"fleet of {size}: command, against {size} single runs"
        made.append(row(name, seconds, "s", peer=size * single, bound=0.5 if size >= 50 else None))
    least, most = min(found), max(found)
    if least != most:
        name = f"fleet: each host of {most}, against each of {least}"
        made.append(row(name, found[most][0] / most, "s", peer=found[least][0] / least, bound=1.1))
    return [*made, *(row(f"fleet of {n}: controller's memory", memory, "MB") for n, (_s, memory) in found.items())]


@contextmanager
def _network() -> Iterator[str]:
    """One network for all: an engine has addresses for some thirty only."""
    name = f"trb-{secrets.token_hex(4)}"
    engine.docker("network", "create", name)
    try:
        yield name
    finally:
        for container in engine.docker("ps", "-aq", "--filter", f"network={name}").split():
            engine.docker("rm", "-f", container)
        engine.docker("network", "rm", name)


def _fleet(bench: stacks.Bench, network: str, size: int) -> Fleet:
    """Deploy VERSION everywhere, capture it, and return the fleet."""
    made = Fleet(bench.directory, [bench.make() for _number in range(size)])
    for stack in made.stacks:
        joined = {"default": {"name": network, "external": True}}
        stack.compose({"api": stack.published(healthcheck=_HEALTHCHECK)}, networks=joined)
        for version in (VERSION, stacks.NEW):
            stack.tag(f"api:{version}", version)
        stack.tag("api:production", VERSION)
    made.each(lambda stack: stack.up())
    made.run("restore-point.yml", version=VERSION, env={"ANSIBLE_FORKS": "10"}).ok()
    made.each(_put_back)
    return made


def _put_back(stack: Stack) -> None:
    """Deploy NEW, so that every run begins with the same."""
    stack.tag("api:production", stacks.NEW)
    stack.up()


def _single(stack: Stack, title: str) -> float:
    stack.write_inventory()
    command = ["ansible-playbook", "tier1-emergency.yml", "-e", f"version={VERSION}"]
    seconds, _memory = _run(command, environment(stack, "tiered.rollback.timeline"))
    _check([stack])
    print(f"    {title} single run: {seconds:.2f} s", flush=True)
    return seconds


def _roll(fleet: Fleet, size: int) -> tuple[float, float]:
    part = Fleet(fleet.inventory.parent, fleet.stacks[:size])
    part.write_inventory()
    command = ["ansible-playbook", "fleet.yml", "-e", "tier=1", "-e", f"version={VERSION}", "-e", f"batch={_BATCH}"]
    own = {"ANSIBLE_INVENTORY": str(part.inventory), "ANSIBLE_STDOUT_CALLBACK": "tiered.rollback.timeline"}
    seconds, memory = _run(command, playbook.environment(part.home, own))
    _check(part.stacks)
    print(f"    fleet of {size}: {seconds:.2f} s, {seconds / size:.2f} s a host, {memory:.0f} MB", flush=True)
    return seconds, memory


def _check(rolled: Sequence[Stack]) -> None:
    wrong = [stack.name for stack in rolled if stack.ask(PATH).version != VERSION]
    if wrong:
        raise RuntimeError(f"{VERSION} does not answer on {', '.join(wrong)}")


def _run(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Run a command in playbooks/, and return its seconds and the most megabytes that it and its workers had."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command, cwd=playbook.PLAYBOOKS, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    memory = Memory(process.pid)
    with memory:
        output, _unused = process.communicate(timeout=1800)
    seconds = time.monotonic() - begin
    if process.returncode != 0:
        raise RuntimeError(f"{command[1]} ended with {process.returncode}:\n{output}")
    return seconds, memory.most / 1e3


class Memory:
    """Looks now and then how many kilobytes a process and its children have; a page that some share counts once."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_SAMPLE):
            self.most = max(self.most, sum(map(_kilobytes, [self._pid, *_children(self._pid)])))


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _kilobytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
