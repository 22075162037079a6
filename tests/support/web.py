# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP servers of the tests, on a free port of the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Says nothing on the terminal."""

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class WebServer(ThreadingHTTPServer):
    """Serves each request in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_activate(self) -> None:
        """Listen.

        A client that hangs up between the kernel's word and ``accept`` would otherwise leave the server waiting in
        ``accept`` for the next one, deaf to :meth:`shutdown`.
        """
        super().server_activate()
        self.socket.setblocking(False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up at any time, which is no error of the test."""

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Serve until it is stopped."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Serve no more, and give the port back."""
        self.shutdown()
        self.server_close()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[WebServer]:
    """Serve with some handler."""
    server = WebServer(("127.0.0.1", 0), handler)
    server.start()
    try:
        yield server
    finally:
        server.stop()
