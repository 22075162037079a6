# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny HTTP service that obeys SIGTERM and can be told to be in trouble.

    /            version and what it was configured with
    /healthz     200, or 503 in trouble ``unhealthy``: what the container's health check asks
    /api/status  200, or 500 in trouble ``broken``: what users see
    /slow        answers after a second
    /flags/NAME  PUT {"value": ...} sets a feature flag, which is kept in /state/flags.json where that can be written

Trouble is baked into the image (APP_TROUBLE) or, for one version only, written into /data/trouble as
``VERSION TROUBLE``: a version that was healthy once and is not any more, as after a migration of its data.
Trouble ``crash`` exits at the start.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = os.environ["APP_VERSION"]
FLAGS = Path("/state/flags.json")


def trouble() -> str:
    """The trouble this version is in now; empty where it is in none."""
    return os.environ.get("APP_TROUBLE") or dict(
        line.split() for line in _text(Path("/data/trouble")).splitlines()
    ).get(VERSION, "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self) -> None:
        failing = {"/healthz": ("unhealthy", 503), "/api/status": ("broken", 500)}.get(self.path)
        if self.path == "/slow":
            time.sleep(1)
        facts = {
            "version": VERSION,
            "greeting": os.environ.get("GREETING", ""),
            "other": os.environ.get("OTHER", ""),
            "settings": _text(Path("/config/settings.conf")),
            "features": json.loads(_text(FLAGS) or "{}"),
        }
        self._answer(failing[1] if failing and failing[0] == trouble() else 200, facts)

    def do_PUT(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.removeprefix("/flags/")
        FLAGS.write_text(json.dumps({**json.loads(_text(FLAGS) or "{}"), name: sent["value"]}), encoding="utf-8")
        self._answer(200, sent)

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing; what matters is in the answers."""


class Server(ThreadingHTTPServer):
    """Waits for requests in flight when it is closed."""

    daemon_threads = False
    request_queue_size = 128


if __name__ == "__main__":
    if trouble() == "crash":
        sys.exit(f"{VERSION} cannot start: the data is newer than this version knows")
    server = Server(("", 8000), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()
