# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where notifications arrive by HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.tiered.rollback.tests.support import web

#: Seconds that a request is held at most.
_HELD = 60


@dataclass
class Inbox:
    """What arrived, by path.

    :ivar failing: paths that answer 500 so many times first.
    :ivar holding: a path that gets no answer until another path was posted to.
    """

    url: str = ""
    bodies: dict[str, list[Any]] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    holding: dict[str, str] = field(default_factory=dict)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, path: str, body: bytes) -> int:
        """Return the status that a request is answered with."""
        with self._came:
            if self.failing.get(path, 0) > 0:
                self.failing[path] -= 1
                return 500
            if path in self.holding:
                self._came.wait_for(lambda: self.holding[path] in self.bodies, _HELD)
            self.bodies.setdefault(path, []).append(json.loads(body))
            self._came.notify_all()
        return 200

    def events(self, path: str) -> list[tuple[str, str]]:
        """Return event and subject of what a channel of the kind webhook was told."""
        return [(body["event"], body["subject"]) for body in self.bodies.get(path, ())]


@contextmanager
def opened() -> Iterator[Inbox]:
    """A server that takes what is posted to it."""
    found = Inbox()

    class Handler(web.Handler):
        def do_POST(self) -> None:
            status = found.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()

    with web.serving(Handler) as server:
        found.url = server.url
        yield found
