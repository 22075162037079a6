# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HTTP server whose answers a test states, and a snapshot API on one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ansible_collections.tiered.rollback.tests.support import web
from ansible_collections.tiered.rollback.tests.support.fake_module import FakeModule


@dataclass
class Site:
    """A real HTTP server; *asked* holds every request.

    :ivar answers: (status, body) by path, or that with headers; of a list, the first is served once and then dropped,
        but for the last one.
    """

    url: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[SimpleNamespace] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """What is served next at a path."""
        found = self.answers.get(path, (404, b"no such page"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, body, *headers = found
        return status, body, headers[0] if headers else {}


@contextmanager
def serving() -> Iterator[Site]:
    """Serve on a free port of the loopback interface."""

    class Handler(web.Handler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append(
                SimpleNamespace(method=self.command, path=self.path, headers=dict(self.headers), body=body)
            )
            status, answer, headers = found.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_HEAD = do_POST = do_DELETE = do_GET

    with web.serving(Handler) as server:
        found = Site(server.url)
        yield found


class SnapshotApi:
    """A snapshot API with two snapshots of request, which answers as peelback does, on a :class:`Site`."""

    TOKEN = "hunter2-hunter2"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.list(self.snapshot(2), self.snapshot(1))
        self.serve("/health", {"status": "ok"})
        self.serve("/openapi.json", {"components": {"schemas": {"Restore": {"properties": {"dryRun": {}}}}}})
        status = {"version": "1.0.0", "status": "ok", "snapshots": 2, "storedBytes": 9, "freeBytes": 10}
        self.serve("/admin/status", {**status, "operation": None, "lastError": None})
        counts = {"consecutiveFailures": 0, "attempts": 0, "maxAttempts": 3}
        rollback = {"automatic": True, "health": "healthy", "gaveUp": False, **counts}
        schedule = {"enabled": True, "intervalSeconds": 300.0, "nextSnapshot": None, "pausedBecause": None}
        sizes = {"maxSnapshots": 10, "snapshots": 2, "levels": 2}
        self.serve("/admin/peelback/status", {**schedule, **sizes, "rollback": rollback})
        self.serve("/admin/snapshot", self.snapshot(3), 201)
        self.restoration("/admin/restore", self.snapshot(1))
        self.restoration("/admin/peelback/revert", self.snapshot(2))

    @staticmethod
    def snapshot(number: int, **changes: Any) -> dict[str, Any]:
        """A snapshot as JSON says it."""
        when = {"id": f"snapshot-{number}", "timestamp": "2026-11-20T10:00:00Z", "level": 1, "healthy": None}
        size = {"size": "9B", "sizeBytes": 9, "newBytes": 9, "files": 1}
        said = {"description": f"number {number}", "trigger": "request", "kept": False, "remarks": []}
        return {**when, **size, **said, **changes}

    def serve(self, path: str, document: Any, status: int = 200) -> None:
        self.site.answers[path] = (status, json.dumps(document).encode())

    def list(self, *snapshots: dict[str, Any]) -> None:
        self.serve("/admin/snapshots", snapshots)

    def restoration(self, path: str, restored: dict[str, Any], **changes: Any) -> None:
        before = self.snapshot(9, trigger="before-restore", level=None)
        done = {"changed": True, "restored": restored, "before": before, "filesChanged": 4, "seconds": 0.5}
        self.serve(path, {**done, **changes})

    def asked(self, method: str) -> dict[str, Any]:
        """Bodies by path of what was asked by a method."""
        return {each.path: json.loads(each.body or "null") for each in self.site.asked if each.method == method}

    def described(self) -> dict[str, Any]:
        """What ``rollback_stack`` says of it."""
        return {"url": self.site.url, "token": self.TOKEN, "timeout": 5.0, "services": []}

    def module(self, *, check_mode: bool = False, **params: Any) -> FakeModule:
        return FakeModule({"mcp": self.described(), **params}, check_mode)
