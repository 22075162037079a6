# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed extracts hold what the tables name, and nothing else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from ansible_collections.tiered.rollback.tests.contract import contract, extract, patches
from ansible_collections.tiered.rollback.tests.contract.fake import graphql
from ansible_collections.tiered.rollback.tests.contract.fake.exchange import HANDLERS
from ansible_collections.tiered.rollback.tests.contract.operations import GRAPHQL_FIELDS, OPERATIONS
from graphql import is_interface_type, is_object_type


def test_the_extract_holds_exactly_the_operations_of_the_table() -> None:
    paths = contract.document()["paths"]
    held = {(method.upper(), path) for path in paths for method in paths[path]}
    assert held == set(OPERATIONS)
    assert len(OPERATIONS) == len(set(OPERATIONS))


def test_nothing_is_left_that_no_operation_refers_to() -> None:
    components = contract.document()["components"]
    held = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    referred = set(patches.references_in(contract.document()))
    assert held == referred


def test_the_schema_holds_the_fields_of_the_table_and_what_interfaces_demand() -> None:
    types = {name: each for name, each in graphql.schema().type_map.items() if not name.startswith("__")}
    held = {
        f"{name}.{field}"
        for name, each in types.items()
        if is_object_type(each) or is_interface_type(each)
        for field in each.fields
    }
    assert set(GRAPHQL_FIELDS) <= held
    assert {entry.split(".")[1] for entry in held - set(GRAPHQL_FIELDS)} <= {"id", "oid", "login"}


@pytest.mark.parametrize(
    ("path", "source"), [(extract.REST_FILE, extract.REST_SOURCE), (extract.GRAPHQL_FILE, extract.GRAPHQL_SOURCE)]
)
def test_each_extract_says_where_it_comes_from(path: Path, source: tuple[str, str, str]) -> None:
    text = gzip.decompress(path.read_bytes()).decode()
    name, version, member = source
    assert f"{name}@{version} {member} sha256:" in text


def test_the_extract_is_written_with_sorted_keys_and_no_time() -> None:
    data = extract.REST_FILE.read_bytes()
    assert data[4:8] == bytes(4)
    document = json.loads(gzip.decompress(data))
    assert gzip.decompress(data).decode() == json.dumps(document, sort_keys=True, separators=(",", ":"))


def test_the_fake_answers_every_operation_and_heeds_described_parameters_only() -> None:
    assert set(HANDLERS) | {("GET", "/rate_limit")} == set(OPERATIONS)
    for (method, path), (_handler, heeded) in HANDLERS.items():
        described = contract.query_parameters(contract.Operation(method, path, {}))
        assert heeded <= described, f"{method} {path}"
