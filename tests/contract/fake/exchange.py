# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request on its way through the fake, and who answers it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..contract import Operation

if TYPE_CHECKING:
    from .repository import FakeRepository


@dataclass(frozen=True)
class Exchange:
    """One request, the status it was answered with (0 where the connection was cut), and how long that took."""

    method: str
    path: str
    status: int
    seconds: float = field(compare=False, default=0.0)


@dataclass
class Answer:
    """What goes back."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The body on the wire."""
        return b"" if self.body is None else json.dumps(self.body).encode()


class GitHubError(Exception):
    """A refusal, worded as GitHub words it."""

    def __init__(self, status: int, message: str, *, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.answer = Answer(
            status,
            {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)},
        )
        if errors:
            self.answer.body["errors"] = list(errors)


def not_found() -> GitHubError:
    """What GitHub says of all that is absent, or hidden from the token."""
    return GitHubError(404, "Not Found")


@dataclass
class Call:
    """A request that the contract has let through."""

    operation: Operation
    query: Mapping[str, str]
    body: dict[str, Any]
    #: Where the client found the interface, for the links in answers.
    api: str
    repository: FakeRepository
    #: From files to where an archive of them can be had without a token.
    archive: Callable[[Mapping[str, str | bytes]], str]
    #: Whether this GitHub can name the run that a dispatch begins.
    run_details: bool = True
    now: float = field(default_factory=time.time)
    headers: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """A value of the path."""
        return self.operation.values[name]

    def url(self, *parts: object) -> str:
        """An address below the repository's."""
        return "/".join([self.api, "repos", self.repository.name, *map(str, parts)])

    def web(self, *parts: object) -> str:
        """A page of the repository."""
        return "/".join(["https://github.com", self.repository.name, *map(str, parts)])

    def page(self, items: Sequence[Any]) -> list[Any]:
        """The part of a list that was asked for; the links to the others become a header."""
        size = min(int(self.query.get("per_page", 30)), 100)
        number = max(int(self.query.get("page", 1)), 1)
        last = max(-(-len(items) // size), 1)
        links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number == 1:
            del links["prev"], links["first"]
        if number >= last:
            del links["next"], links["last"]
        if links:
            target = self.api + self.operation.path
            self.headers["Link"] = ", ".join(
                f'<{target}?{urlencode({**self.query, "page": page})}>; rel="{name}"' for name, page in links.items()
            )
        return list(items[(number - 1) * size : number * size])


Handler = Callable[[Call], Any]

#: Who answers an operation, and which parameters of the query it heeds.
HANDLERS: dict[tuple[str, str], tuple[Handler, frozenset[str]]] = {}


def answers(method: str, path: str, *query: str) -> Callable[[Handler], Handler]:
    """Let a function answer an operation; paths below a repository are given without /repos/{owner}/{repo}."""

    def register(handler: Handler) -> Handler:
        template = path if path == "/rate_limit" else f"/repos/{{owner}}/{{repo}}{path}"
        HANDLERS[method, template] = (handler, frozenset(query))
        return handler

    return register


PAGE = ("per_page", "page")
