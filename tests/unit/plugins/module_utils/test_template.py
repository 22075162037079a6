# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils._template import env_files, image_variables, variables
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("template", "rendered", "wanted"),
    [
        ("shop:${VERSION}", "shop:v1", {"VERSION": "v1"}),
        ("shop:$VERSION", "shop:v1", {"VERSION": "v1"}),
        ("shop:${VERSION:-latest}", "shop:latest", {"VERSION": "latest"}),
        ("shop:${VERSION:?must be set}", "shop:v1", {"VERSION": "v1"}),
        ("${REGISTRY}/shop:${VERSION}", "r:5000/shop:v1", {"REGISTRY": "r:5000", "VERSION": "v1"}),
        ("shop-${VERSION}:${VERSION}", "shop-v1:v1", {"VERSION": "v1"}),
        ("shop-${VERSION}:${VERSION}", "shop-v1:v2", {}),
        ("shop.x:${VERSION}", "shopyx:v1", {}),
        ("shop:${VERSION}", "shop:", {"VERSION": ""}),
        ("shop:v1", "shop:v1", {}),
        ("shop:$1", "shop:$1", {}),
        ("shop:${1}", "shop:${1}", {}),
        ("shop:${é}", "shop:${é}", {}),
    ],
)
def test_the_variables_of_an_image_name_are_read_back_from_what_it_became(
    template: str, rendered: str, wanted: dict[str, str]
) -> None:
    found = image_variables({"services": {"web": {"image": template}}}, {"services": {"web": {"image": rendered}}})
    assert found == wanted


@pytest.mark.parametrize("template", [{}, {"services": {}}, {"services": {"web": {"build": "."}}}])
def test_a_project_without_image_names_has_no_variables(template: dict[str, Any]) -> None:
    assert image_variables(template, {"services": {}}) == {}


def test_a_service_that_no_profile_switches_on_is_left_out() -> None:
    assert image_variables({"services": {"web": {"image": "a:${V}"}}}, {"services": {}}) == {}


_LITERAL = st.from_regex(r"[a-z0-9./:-]{0,6}", fullmatch=True)
_VALUE = st.from_regex(r"[A-Za-z0-9._-]{1,6}", fullmatch=True)


@given(st.lists(st.tuples(_LITERAL, st.sampled_from(["A", "B", "VERSION"])), max_size=4), _LITERAL, st.data())
def test_what_is_found_always_renders_the_same_name_again(
    pieces: list[tuple[str, str]], tail: str, data: st.DataObject
) -> None:
    values = {name: data.draw(_VALUE) for _literal, name in pieces}
    template = "".join(f"{literal}${{{name}}}" for literal, name in pieces) + tail
    rendered = "".join(f"{literal}{values[name]}" for literal, name in pieces) + tail
    found = image_variables({"services": {"w": {"image": template}}}, {"services": {"w": {"image": rendered}}})
    assert set(found) == set(values)
    assert "".join(f"{literal}{found[name]}" for literal, name in pieces) + tail == rendered


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_the_reading_of_image_names(template: str, rendered: str) -> None:
    found = image_variables({"services": {"w": {"image": template}}}, {"services": {"w": {"image": rendered}}})
    assert json.dumps(found)


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        (None, []),
        (["web.env"], ["web.env"]),
        (["./conf/web.env", "/opt/shop/conf/web.env"], ["conf/web.env"]),
        ([{"path": "/opt/shop/web.env", "required": False}], ["web.env"]),
        (["/etc/web.env", "../web.env", "/opt/shop/../web.env", "/opt/shopping/web.env"], []),
    ],
)
def test_the_env_files_of_services_are_found_where_they_lie_in_the_project(entries: Any, wanted: list[str]) -> None:
    assert env_files({"services": {"web": {"env_file": entries}, "db": {}}}, "/opt/shop") == wanted


def test_every_variable_of_a_text_is_named_in_order() -> None:
    assert variables("${B:-x} $A ${B} $$ $1") == ["B", "A", "B"]
