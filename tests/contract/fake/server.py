# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's HTTP side: one request in, one answer out, both held to the contract."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import secrets
import threading
import time
import traceback
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from ...support import web
from .. import contract
from . import graphql, rest_actions, rest_git, rest_pulls, rest_repository
from .exchange import HANDLERS, Answer, Call, Exchange, GitHubError, not_found
from .faults import Faults
from .repository import FakeRepository

_LIMIT = 5000
_EXHAUSTED = "API rate limit exceeded for user ID 1."
_JSON = "application/json; charset=utf-8"
#: Who answers lives there; importing them is what makes them known.
MODULES = (graphql, rest_actions, rest_git, rest_pulls, rest_repository)


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    #: Path and query, without what an Enterprise server has before them.
    target: str
    headers: Mapping[str, str]
    body: bytes
    #: Where the client found the interface.
    api: str

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(urlsplit(self.target).path)


class FakeGitHub(Faults):
    """GitHub on 127.0.0.1; leaving it raises what broke the contract."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []
        self.violations: list[str] = []
        self.latency = 0.0
        self.run_details = True
        self.repositories: dict[str, FakeRepository] = {}
        self._token = token
        self._used = 0
        self._archives: dict[str, Mapping[str, str | bytes]] = {}
        self._ids = itertools.count(1001)
        self._state = threading.RLock()
        self._servers = [_serve(_ApiHandler, self), _serve(_BlobHandler, self)]
        self.url, self._blob_url = (server.url for server in self._servers)

    def __enter__(self) -> FakeGitHub:
        return self

    def __exit__(self, *_unused: object) -> None:
        for server in self._servers:
            server.stop()
        if self.violations:
            raise AssertionError("the contract was broken:\n" + "\n".join(self.violations))

    def add_repository(self, name: str, *, bare: Path, default_branch: str = "main") -> FakeRepository:
        """Show a bare repository under a name."""
        self.repositories[name] = FakeRepository(name, bare, default_branch, self._ids, self._state)
        return self.repositories[name]

    # --- one request --------------------------------------------------------------------------

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Answer a request; None cuts the connection."""
        begin = time.monotonic()
        time.sleep(self.latency)
        api, target = _split(target, headers.get("Host", ""))
        request = Request(method, target, headers, body, api)
        operation = None if request.path == "/graphql" else self._checked(request)
        answer: Answer | None
        try:
            answer = self._answer(request, operation)
        except GitHubError as error:
            answer = error.answer
        except Exception:  # The fake's own mistake must reach the test and not only the client.
            self.violate(f"{method} {target}: {traceback.format_exc()}")
            answer = GitHubError(500, "the fake fell over").answer
        late = self.strikes(method, request.path, before=False)
        if late:
            answer = late.answer()
        if answer is not None:
            self._finish(request, operation, answer)
        with self._lock:
            took = time.monotonic() - begin
            self.exchanges.append(Exchange(method, target, answer.status if answer else 0, took))
        return answer

    def _checked(self, request: Request) -> contract.Operation | None:
        try:
            return contract.check_request(request.method, request.target, request.headers, request.body)
        except contract.ContractError as error:
            self.violate(str(error))
            return None

    def _answer(self, request: Request, operation: contract.Operation | None) -> Answer | None:
        self._authorise(request.headers)
        fault = self.strikes(request.method, request.path, before=True)
        if fault:
            return fault.answer()
        if request.path == "/rate_limit":
            return self._rate_limit()
        if self.exhausted_until():
            return graphql.limited(_EXHAUSTED) if request.path == "/graphql" else GitHubError(403, _EXHAUSTED).answer
        with self._state:
            self._used += 1
            if request.path == "/graphql":
                return graphql.answer(self, json.loads(request.body))
            if not operation:
                raise GitHubError(422, "The request breaks the contract")
            return self._handled(request, operation)

    def _handled(self, request: Request, operation: contract.Operation) -> Answer:
        handler, heeded = HANDLERS[request.method, operation.template]
        query = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
        if set(query) - heeded:
            raise NotImplementedError(f"the fake does not heed {', '.join(sorted(set(query) - heeded))}")
        repository = self._repository(operation.values)
        said = json.loads(request.body or b"{}")
        call = Call(operation, query, said, request.api, repository, self._archive, self.run_details)
        found = handler(call)
        answer = found if isinstance(found, Answer) else Answer(200, found)
        answer.headers.update(call.headers)
        return answer

    def _finish(self, request: Request, operation: contract.Operation | None, answer: Answer) -> None:
        """Add the headers that all answers have, let a known answer be 304, and hold it to the contract."""
        if request.method == "GET" and answer.status == 200:
            answer.headers["ETag"] = f'W/"{hashlib.sha256(answer.data).hexdigest()}"'
            if request.headers.get("If-None-Match") == answer.headers["ETag"]:
                with self._state:
                    # GitHub does not count it.
                    self._used -= 1
                answer.status, answer.body = 304, None
        if answer.body is not None:
            answer.headers["Content-Type"] = _JSON
        limits = {"resource": "graphql" if request.path == "/graphql" else "core", **self._limits()}
        answer.headers |= {f"X-RateLimit-{name.title()}": str(value) for name, value in limits.items()}
        if operation:
            try:
                contract.check_answer(operation, answer.status, answer.headers, answer.data)
            except contract.ContractError as error:
                self.violate(f"answer of the fake: {error}")

    def _authorise(self, headers: Mapping[str, str]) -> None:
        given = headers.get("Authorization", "")
        if not given:
            raise GitHubError(401, "Requires authentication")
        if given not in (f"Bearer {self._token}", f"token {self._token}"):
            raise GitHubError(401, "Bad credentials")

    def _repository(self, values: Mapping[str, str]) -> FakeRepository:
        try:
            return self.repositories[f"{values['owner']}/{values['repo']}"]
        except KeyError:
            raise not_found() from None

    def _limits(self) -> dict[str, int]:
        until = self.exhausted_until()
        left = 0 if until else _LIMIT - self._used
        return {"limit": _LIMIT, "used": self._used, "remaining": left, "reset": int(until or time.time() + 3600)}

    def _rate_limit(self) -> Answer:
        core = self._limits()
        return Answer(200, {"resources": {"core": core, "search": core}, "rate": core})

    def violate(self, what: str) -> None:
        """Remember what broke the contract."""
        with self._lock:
            self.violations.append(what)

    # --- archives -----------------------------------------------------------------------------

    def _archive(self, files: Mapping[str, str | bytes]) -> str:
        target = f"/archive.zip?sig={secrets.token_hex(8)}"
        self._archives[target] = files
        return self._blob_url + target

    def blob(self, target: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The storage that GitHub refers to; it is somebody else's and must not see the token."""
        if "Authorization" in headers:
            self.violate(f"GET {target.split('?')[0]} of the blob storage came with an Authorization header")
        files = self._archives.get(target)
        return (403, b"") if files is None else (200, _zipped(files))


def _zipped(files: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _split(target: str, host: str) -> tuple[str, str]:
    """Where the interface begins for this client, and what it asks for there."""
    # A client that takes the fake for its proxy names the host in the target.
    if not target.startswith("/"):
        parts = urlsplit(target)
        host, target = parts.netloc, target.removeprefix(f"{parts.scheme}://{parts.netloc}")
    for prefix in ("/api/v3", "/api"):
        rest = target.removeprefix(prefix)
        if rest != target and (prefix == "/api/v3" or rest == "/graphql"):
            return f"http://{host}{prefix}", rest
    return f"http://{host}", target


class _Server(web.WebServer):
    github: FakeGitHub


class _Handler(web.Handler):
    protocol_version = "HTTP/1.1"
    # One packet for head and body: otherwise each answer waits for the client's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    @property
    def given(self) -> dict[str, str]:
        """The request's headers, however the client writes their names."""
        return {name.title(): value for name, value in self.headers.items()}

    def _send(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _ApiHandler(_Handler):
    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.github.handle(self.command, self.path, self.given, body)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer.status, answer.headers, answer.data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any


class _BlobHandler(_Handler):
    def do_GET(self) -> None:
        """Hand out an archive."""
        status, data = self.server.github.blob(self.path, self.given)
        self._send(status, {"Content-Type": "application/zip"}, data)


def _serve(handler: type[_Handler], github: FakeGitHub) -> _Server:
    server = _Server(("127.0.0.1", 0), handler)
    server.github = github
    server.start()
    return server
