# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are cut: a port whose connections end after so many bytes, and a container that no packet reaches."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator

from ansible_collections.tiered.rollback.tests.support import engine


class Cable:
    """A port of the loopback interface that leads to another one of it.

    :ivar port: the port to use instead of the real one.
    :ivar carried: how many bytes came back so far.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._left: int | None = None
        self._lock = threading.Lock()
        self.carried = 0
        cable = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # Whichever side hangs up.
                with contextlib.suppress(OSError):
                    cable._carry(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def cut_after(self, count: int) -> None:
        """Cut it once so many more bytes have come back."""
        with self._lock:
            self._left = count

    def mend(self) -> None:
        """Let everything through again."""
        with self._lock:
            self._left = None

    def close(self) -> None:
        """Remove it."""
        self._server.shutdown()
        self._server.server_close()

    def _carry(self, near: socket.socket) -> None:
        if self._left == 0:
            return
        with socket.create_connection(self._target) as far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _events in ready.select():
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(65536)
                    part = self._allowed(data) if source is far else data
                    key.data.sendall(part)
                    if not data or len(part) < len(data):
                        return

    def _allowed(self, data: bytes) -> bytes:
        with self._lock:
            part = data if self._left is None else data[: self._left]
            if self._left is not None:
                self._left -= len(part)
            self.carried += len(part)
            return part


@contextlib.contextmanager
def cable(port: int) -> Iterator[Cable]:
    """Lay one, and remove it afterwards."""
    made = Cable(port)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def unreachable(container: str) -> Iterator[None]:
    """Lose every packet to and from a container without a word, as a broken switch does, while the block runs.

    What runs inside goes on, and talks to itself.
    """
    (inspected,) = engine.inspect("container", container)
    inside = ["nsenter", "--target", str(inspected["State"]["Pid"]), "--net", "iptables"]
    rules = [["INPUT", "!", "-i", "lo", "-j", "DROP"], ["OUTPUT", "!", "-o", "lo", "-j", "DROP"]]
    for rule in rules:
        subprocess.run([*inside, "-I", *rule], check=True, capture_output=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run([*inside, "-D", *rule], check=True, capture_output=True)
