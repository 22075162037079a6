# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the old replica out of use without losing a request: no new connections, wait for the open ones.

Measured elsewhere (field notes): a plain ``docker stop`` behind HAProxy loses requests that are in flight.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import time
from pathlib import Path

from ansible_collections.tiered.rollback.plugins.module_utils import _command, _proc
from ansible_collections.tiered.rollback.plugins.module_utils._container import Container
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

_ESTABLISHED, _LISTEN = "01", "0A"
_POLL = 0.05
#: Readings in a row without a connection; one reading can fall between two requests of the same client.
_QUIET = 4
#: Loopback stays open, so that the container's own health check does not fail meanwhile.
_RULE = ("INPUT", "!", "-i", "lo", "-p", "tcp", "--syn", "-j", "REJECT", "--reject-with", "tcp-reset")


def refuse_new_connections(container: Container) -> bool:
    """Make a container refuse new connections while open ones go on; False where this host cannot.

    A rule inside the container's own network namespace, which vanishes with the container. A proxy sees
    "connection refused" and takes another replica; the application needs to know nothing of it.
    """
    if not _proc.is_local(container) or os.geteuid() != 0 or not (shutil.which("nsenter") and shutil.which("iptables")):
        return False
    enter = ["nsenter", "--target", str(container.pid), "--net", "--"]
    try:
        _command.run([*enter, "iptables", "-w", "5", "-I", *_RULE], timeout=10)
    except RollbackError:
        return False
    return True


def wait_until_quiet(container: Container, timeout: float) -> int:
    """Wait until no client is connected any more and return how many still are when the time is over."""
    if not _proc.is_local(container):
        time.sleep(min(timeout, 2))
        return 0
    deadline, quiet = time.monotonic() + timeout, 0
    while (open_now := connections(container.pid)) or quiet < _QUIET:
        quiet = 0 if open_now else quiet + 1
        if time.monotonic() >= deadline:
            return open_now
        time.sleep(_POLL)
    return 0


def serves(container: Container) -> bool:
    """Whether clients may be connected to a container: it listens on a port, or this host cannot tell."""
    return not _proc.is_local(container) or any(state == _LISTEN for _local, _remote, state in _sockets(container.pid))


def connections(pid: int, proc: Path = Path("/proc")) -> int:
    """Count established connections, from other hosts, to the ports a process's network namespace listens on."""
    rows = _sockets(pid, proc)
    listening = {local.rpartition(":")[2] for local, _remote, state in rows if state == _LISTEN}
    return sum(
        state == _ESTABLISHED and local.rpartition(":")[2] in listening and not _loopback(remote)
        for local, remote, state in rows
    )


def _sockets(pid: int, proc: Path = Path("/proc")) -> list[tuple[str, str, str]]:
    """Read local address, remote address and state of every TCP socket that is not on loopback.

    The engine's own resolver listens on 127.0.0.11 in every container.
    """
    rows: list[tuple[str, str, str]] = []
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / str(pid) / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        rows += [(fields[1], fields[2], fields[3]) for fields in map(str.split, lines)]
    return [row for row in rows if not _loopback(row[0])]


def _loopback(address: str) -> bool:
    """Whether an address of /proc/net/tcp is 127.0.0.0/8 or ::1, also mapped; 32-bit words in host byte order."""
    words = bytes.fromhex(address.rpartition(":")[0])
    raw = b"".join(words[n : n + 4][::-1] for n in range(0, len(words), 4))
    parsed = ipaddress.ip_address(raw)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
