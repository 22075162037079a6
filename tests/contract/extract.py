# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts what the tables in operations.py name out of GitHub's descriptions: ``python -m tests.contract.extract``."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from . import patches
from .operations import GRAPHQL_FIELDS, OPERATIONS

HERE = Path(__file__).parent
REST_FILE = HERE / "github.json.gz"
GRAPHQL_FILE = HERE / "github.graphql.gz"

#: npm package and version, and the file in it.
REST_SOURCE = ("@octokit/openapi", "23.0.2", "package/generated/api.github.com.json")
GRAPHQL_SOURCE = ("@octokit/graphql-schema", "15.26.1", "package/schema.graphql")

_BUILT_IN = {"Int", "Float", "String", "Boolean", "ID"}


def fetch(source: tuple[str, str, str], into: Path) -> bytes:
    """Let npm download one version of a package, and read one file in it."""
    name, version, member = source
    command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(into)]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(into / archive) as package:
        found = package.extractfile(member)
        if found is None:
            raise FileNotFoundError(member)
        return found.read()


def origin(source: tuple[str, str, str], data: bytes) -> str:
    """Where a file comes from, for the extract itself to say."""
    name, version, member = source
    return f"{name}@{version} {member} sha256:{hashlib.sha256(data).hexdigest()}"


def rest(data: bytes) -> dict[str, Any]:
    """The operations of the table with all that they refer to, patched."""
    source = json.loads(data)
    document: dict[str, Any] = {
        "openapi": source["openapi"],
        "info": {"title": origin(REST_SOURCE, data), "version": source["info"]["version"]},
        "paths": {},
        "components": {},
    }
    for method, path in OPERATIONS:
        operation = patches.prune(source["paths"][path][method.lower()])
        document["paths"].setdefault(path, {})[method.lower()] = operation
    _bring_references(document, source)
    for patch in patches.ALL:
        patch(document)
    # What a patch has put together needs its parts no more.
    whole = {**document, "components": {}}
    _bring_references(whole, document)
    return whole


def _bring_references(document: dict[str, Any], source: dict[str, Any]) -> None:
    # The patches refer to these.
    waiting = [f"#/components/schemas/{name}" for name in patches.ERROR_SCHEMAS]
    waiting += patches.references_in(document)
    while waiting:
        _root, _components, kind, name = waiting.pop().split("/")
        into = document["components"].setdefault(kind, {})
        if name not in into:
            into[name] = patches.prune(source["components"][kind][name])
            waiting += patches.references_in(into[name])


def graphql(data: bytes) -> str:
    """The fields of the table, with the types of their arguments and answers."""
    document = parse(data.decode(), no_location=True)
    text = print_ast(_Cut(document).document())
    return f"# {origin(GRAPHQL_SOURCE, data)}\n{text}\n"


class _Cut:
    """A part of a schema's definitions."""

    def __init__(self, document: DocumentNode) -> None:
        self._types: dict[str, Any] = {
            node.name.value: node
            for node in document.definitions
            if hasattr(node, "name") and not isinstance(node, DirectiveDefinitionNode)
        }
        self._wanted: dict[str, set[str]] = {}
        for entry in GRAPHQL_FIELDS:
            owner, field = entry.split(".")
            self._wanted.setdefault(owner, set()).add(field)
        self._kept: dict[str, Any] = {}

    def document(self) -> DocumentNode:
        for owner in self._wanted:
            self._bring(owner)
        return DocumentNode(definitions=tuple(self._kept[name] for name in sorted(self._kept)))

    def _bring(self, name: str) -> None:
        if name in self._kept or name in _BUILT_IN:
            return
        node = self._types[name]
        self._kept[name] = node
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            self._kept[name] = self._object(node)
        elif isinstance(node, UnionTypeDefinitionNode):
            types = [each for each in node.types or () if each.name.value in self._wanted]
            self._kept[name] = _changed(node, types=tuple(types))
        elif isinstance(node, InputObjectTypeDefinitionNode):
            self._kept[name] = _changed(node, fields=tuple(self._value(each) for each in node.fields or ()))
        elif isinstance(node, EnumTypeDefinitionNode):
            self._kept[name] = _changed(node, values=tuple(_changed(each) for each in node.values or ()))
        elif isinstance(node, ScalarTypeDefinitionNode):
            self._kept[name] = _changed(node)

    def _object(self, node: Any) -> Any:
        interfaces = [each for each in node.interfaces or () if each.name.value in self._wanted]
        names = set(self._wanted.get(node.name.value, ()))
        # A type has the fields of its interfaces, also where only those were asked for.
        for interface in interfaces:
            names |= self._wanted[interface.name.value]
        found = {field.name.value: field for field in node.fields}
        fields = tuple(self._field(found[name]) for name in sorted(names))
        return _changed(node, interfaces=tuple(interfaces), fields=fields)

    def _field(self, field: FieldDefinitionNode) -> FieldDefinitionNode:
        self._bring(_named(field.type))
        arguments = tuple(self._value(each) for each in field.arguments or ())
        kept: FieldDefinitionNode = _changed(field, arguments=arguments)
        return kept

    def _value(self, node: Any) -> Any:
        self._bring(_named(node.type))
        return _changed(node)


def _named(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value


def _changed(node: Any, **changes: Any) -> Any:
    """A copy without prose and directives."""
    values = {key: getattr(node, key) for key in node.keys if key != "loc"}
    return type(node)(**{**values, "description": None, "directives": (), **changes})


def write(path: Path, text: str) -> None:
    """Compress, the same bytes each time."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())


def main() -> None:
    """Fetch, cut, patch and write both."""
    with tempfile.TemporaryDirectory() as scratch:
        document = rest(fetch(REST_SOURCE, Path(scratch)))
        write(REST_FILE, json.dumps(document, sort_keys=True, separators=(",", ":")))
        write(GRAPHQL_FILE, graphql(fetch(GRAPHQL_SOURCE, Path(scratch))))


if __name__ == "__main__":
    main()
