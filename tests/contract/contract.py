# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds requests and answers to GitHub's own description of its REST interface."""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from .extract import REST_FILE

#: Parameters at a path's end whose slashes are part of the value.
_WITH_SLASHES = {"path", "ref", "basehead", "branch"}
_HOST = "https://api.github.com"


class ContractError(Exception):
    """An exchange that GitHub's description does not allow."""


@dataclass(frozen=True)
class Operation:
    """What a request asks for: the description's path, and the values in it."""

    method: str
    template: str
    values: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path with each value percent-encoded, slashes too."""
        return re.sub(r"\{(\w+)\}", lambda found: quote(self.values[found[1]], safe=""), self.template)


@dataclass
class _Request:
    """What openapi-core wants to know of a request."""

    method: str
    path: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None
    host_url: str = _HOST


@dataclass
class _Answer:
    """What openapi-core wants to know of an answer."""

    status_code: int
    headers: Headers
    content_type: str
    data: bytes | None


@functools.cache
def document() -> dict[str, Any]:
    """The committed extract."""
    found: dict[str, Any] = json.loads(gzip.decompress(REST_FILE.read_bytes()))
    return found


@functools.cache
def _api() -> OpenAPI:
    # An answer with a key that GitHub does not describe is a mistake of the fake.
    config = Config(spec_validator_cls=None, additional_properties_default_policy="forbid")
    return OpenAPI.from_dict(document(), config=config)


@functools.cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    # The more of a path is fixed, the better it fits.
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(_pattern(path)), path) for path in paths]


def _pattern(template: str) -> str:
    def value(found: re.Match[str]) -> str:
        last = found.end() == len(template)
        return f"(?P<{found[1]}>{'.+' if last and found[1] in _WITH_SLASHES else '[^/]+'})"

    return re.sub(r"\{(\w+)\}", value, template) + r"\Z"


def find(method: str, path: str) -> Operation:
    """The operation that a (decoded) path without its query belongs to."""
    for pattern, template in _templates():
        found = pattern.match(path)
        if found and method.lower() in document()["paths"][template]:
            return Operation(method, template, found.groupdict())
    raise ContractError(f"{method} {path}: no such operation in the extract")


def query_parameters(operation: Operation) -> set[str]:
    """The names that the description allows in the query."""
    listed = document()["paths"][operation.template][operation.method.lower()].get("parameters", [])
    resolved = [_resolve(parameter) for parameter in listed]
    return {parameter["name"] for parameter in resolved if parameter["in"] == "query"}


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    _root, _components, kind, name = node["$ref"].split("/")
    found: dict[str, Any] = document()["components"][kind][name]
    return found


def _request(operation: Operation, query: str, headers: Mapping[str, str], body: bytes) -> _Request:
    given = ImmutableMultiDict(parse_qsl(query, keep_blank_values=True))
    parameters = RequestParameters(query=given, header=Headers(list(headers.items())))
    content_type = headers.get("Content-Type", "application/json").lower()
    return _Request(operation.method.lower(), operation.path, parameters, content_type, body or None)


def check_request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Operation:
    """Refuse a request that the description does not allow.

    :param target: path, percent-encoded or not, and query.
    """
    parts = urlsplit(target)
    operation = find(method, unquote(parts.path))
    unknown = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)} - query_parameters(operation)
    if unknown:
        raise ContractError(f"{method} {operation.template}: unknown query parameters: {', '.join(sorted(unknown))}")
    _run(operation, lambda: _api().validate_request(_request(operation, parts.query, headers, body)))
    if body and "requestBody" not in document()["paths"][operation.template][method.lower()]:
        raise ContractError(f"{method} {operation.template}: a body where none is described")
    return operation


def check_answer(operation: Operation, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    """Refuse an answer that the description does not allow."""
    content_type = headers.get("Content-Type", "").lower()
    answer = _Answer(status, Headers(list(headers.items())), content_type, body or None)
    _run(operation, lambda: _api().validate_response(_request(operation, "", {}, b""), answer))
    described = _resolve(_responses(operation)[_described(operation, status)])
    if body and "content" not in described:
        raise ContractError(f"{operation.method} {operation.template}: {status} has a body where none is described")


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][operation.template][operation.method.lower()]["responses"]
    return found


def _described(operation: Operation, status: int) -> str:
    return str(status) if str(status) in _responses(operation) else f"{status // 100}XX"


def _run(operation: Operation, check: Callable[[], object]) -> None:
    try:
        check()
    except OpenAPIError as error:
        raise ContractError(f"{operation.method} {operation.template}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    # What is wrong lies in the innermost cause; the outer ones only say where.
    said = [str(error)[:200]]
    cause = error.__cause__ or error.__context__
    while cause is not None:
        for each in getattr(cause, "schema_errors", ()):
            said += [f"{inner.json_path}: {_short(inner.message)}" for inner in (each, *(each.context or ())[:5])]
        cause = cause.__cause__ or cause.__context__
    return "; ".join(said)


def _short(message: str) -> str:
    # It begins with the value, which may be long, and ends with what is wrong with it.
    return message if len(message) < 300 else f"{message[:100]} ... {message[-150:]}"
