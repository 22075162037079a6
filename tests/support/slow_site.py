# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application with tasks behind a login, whose answers can be made slow."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.tiered.rollback.tests.support import web

PASSWORD = "hunter2-login"


class SlowSite:
    """What the application knows; *delay* in seconds is waited before every answer.

    :ivar gives_no_id: whether it forgets to say which task it made.
    """

    def __init__(self) -> None:
        self.url = ""
        self.delay = 0.0
        self.token = f"token-hunter2-{secrets.token_hex(4)}"
        self.tasks: dict[str, str] = {}
        self.gives_no_id = False

    def answer(self, method: str, path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        """Answer a request."""
        time.sleep(self.delay)
        if path == "/":
            return 200, {"version": 1}
        if path == "/login":
            return (200, {"session": {"token": self.token}}) if body.get("password") == PASSWORD else (401, {})
        if token != f"Bearer {self.token}":
            return 401, {}
        if (method, path) == ("POST", "/tasks"):
            made = f"task {len(self.tasks)}/x"
            self.tasks[made] = body["title"]
            return 201, {} if self.gives_no_id else {"id": made}
        found = next(
            (name for name in self.tasks if path == "/tasks/" + name.replace(" ", "%20").replace("/", "%2F")), ""
        )
        if not found:
            return 404, {}
        return 200, {"title": self.tasks.pop(found) if method == "DELETE" else self.tasks[found]}


@contextmanager
def slow_site() -> Iterator[SlowSite]:
    """Serve it on a free port of the loopback interface."""
    site = SlowSite()

    class Handler(web.Handler):
        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
            status, document = site.answer(self.command, self.path, body, self.headers.get("Authorization"))
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_GET

    with web.serving(Handler) as server:
        site.url = server.url
        yield site
