# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be mended in GitHub's description before exchanges can be validated against it; each function says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]

ERROR_SCHEMAS = ("basic-error", "validation-error", "validation-error-simple")
#: Words of OpenAPI below which keys are names.
_NAMED = {"properties", "paths", "responses", "headers", "schemas", "parameters", "content"}
#: Words of OpenAPI that only readers need.
_PROSE = {"description", "summary", "examples", "example", "externalDocs", "tags", "title"}


def references_in(node: Any) -> list[str]:
    """What a node refers to."""
    return [schema["$ref"] for schema in schemas_in(node) if isinstance(schema.get("$ref"), str)]


def schemas_in(node: Any) -> Iterator[Node]:
    """Every mapping below a node, itself included; parents first."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from schemas_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_in(value)


def operations_in(document: Node) -> Iterator[tuple[str, Node]]:
    """Method and operation of each."""
    for path in document["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                yield method, operation


def prune(node: Any, *, names: bool = False) -> Any:
    """Leave out what is for readers.

    :param names: the mapping's keys are names that GitHub gave and not words of OpenAPI.
    """
    if isinstance(node, list):
        return [prune(value) for value in node]
    if not isinstance(node, dict):
        return node
    kept: Node = {}
    for key, value in node.items():
        if names:
            kept[key] = prune(value)
        elif key in ("enum", "default", "required"):
            kept[key] = value
        elif key not in _PROSE and not key.startswith("x-"):
            kept[key] = prune(value, names=key in _NAMED)
    # OpenAPI demands one of each answer.
    if not names and ("content" in kept or "headers" in kept or not kept) and "description" in node:
        kept["description"] = ""
    return kept


def any_of(document: Node) -> None:
    """``oneOf`` becomes ``anyOf``: GitHub's alternatives overlap, so that its own answers match more than one."""
    for schema in schemas_in(document):
        if isinstance(schema.get("oneOf"), list):
            schema["anyOf"] = schema.pop("oneOf")
            if "properties" not in schema:
                # An object by itself too, it would have no key at all.
                schema.pop("type", None)


def nullable_enums(document: Node) -> None:
    """A nullable enumeration lists null: OpenAPI 3.0 demands it, and GitHub leaves it out."""
    for schema in schemas_in(document):
        if schema.get("nullable") is True and isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"].append(None)


def nullable_alternatives(document: Node) -> None:
    """``nullable`` beside alternatives is one of them: without a ``type`` beside it OpenAPI 3.0 gives it no meaning."""
    for schema in schemas_in(document):
        if schema.get("nullable") is True and "type" not in schema and isinstance(schema.get("anyOf"), list):
            schema["anyOf"].append({"nullable": True, "type": "object", "enum": [None]})


def closed_bodies(document: Node) -> None:
    """Bodies of requests hold described keys only: GitHub ignores others, which hides a misspelt option for ever."""
    for _method, operation in operations_in(document):
        for schema in schemas_in(operation.get("requestBody", {})):
            if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
                schema.setdefault("additionalProperties", False)


def whole_objects(document: Node) -> None:
    """The parts of an ``allOf`` become one object: each part alone would refuse the keys of the others."""
    schemas = document["components"]["schemas"]
    for schema in schemas_in(document):
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            continue
        parts = [schemas[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part for part in parts]
        if len(parts) > 1 and all("properties" in part for part in parts):
            del schema["allOf"]
            schema["type"] = "object"
            schema["properties"] = {key: value for part in parts for key, value in part["properties"].items()}
            schema["required"] = sorted({key for part in parts for key in part.get("required", ())})


def date_ranges(document: Node) -> None:
    """When a run was created is asked for as a range such as ``>=2026-01-31``: GitHub says so in prose only."""
    for parameter in document["components"]["parameters"].values():
        if parameter["name"] == "created":
            del parameter["schema"]["format"]


def no_discriminators(document: Node) -> None:
    """The alternatives decide by themselves: some of GitHub's discriminators name values that no alternative has."""
    for schema in schemas_in(document):
        if isinstance(schema.get("discriminator"), dict):
            del schema["discriminator"]


def errors_say_something(document: Node) -> None:
    """An error has a message and its status: a basic error demands no key, and a validation error hides its status."""
    schemas = document["components"]["schemas"]
    for name in ERROR_SCHEMAS:
        schemas[name]["required"] = sorted({"message", *schemas[name].get("required", ())})
        schemas[name]["properties"].setdefault("status", {"type": "string"})


def errors_everywhere(document: Node) -> None:
    """Every operation may fail, and a GET may answer 304: GitHub says both in prose, for all operations at once."""
    schema = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ERROR_SCHEMAS]}
    content = {"application/json": {"schema": schema}}
    for method, operation in operations_in(document):
        responses = operation["responses"]
        for status in ("4XX", "5XX"):
            responses[status] = {"description": "", "content": content}
        for status, response in responses.items():
            # Some are listed without the body that they have.
            if status >= "400" and "$ref" not in response:
                response.setdefault("content", content)
        if method == "get":
            responses.setdefault("304", {"description": ""})


ALL = (
    any_of,
    nullable_enums,
    nullable_alternatives,
    whole_objects,
    date_ranges,
    no_discriminators,
    closed_bodies,
    errors_say_something,
    errors_everywhere,
)
