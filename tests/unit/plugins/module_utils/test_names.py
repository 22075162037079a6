# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _names
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from hypothesis import given
from hypothesis import strategies as st

ATTACKS = [
    "v0.9.0; touch /tmp/x",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}",
    "{# x #}",
    "../v1",
    "v1/../../etc",
    "--help",
    "-v",
    "v1\n",
    "v1\nv2",
    "v 1",
    "$(id)",
    "`id`",
    "v1\0",
    "",
    ".hidden",
    "v" * 101,
    "v１",  # noqa: RUF001  # a full-width digit is no digit here
    None,
    True,
    [],
    ["v1"],
    {"v": 1},
]


@pytest.mark.parametrize("value", ["v0.9.0", "previous", "1.0", "v1.0.0-rc.1+build_5", "v0.9.0-20261120T231500Z", "7"])
def test_a_plain_version_is_returned_as_it_is(value: str) -> None:
    assert _names.version(value) == value


@pytest.mark.parametrize(("value", "text"), [(1.0, "1.0"), (2, "2")])
def test_a_version_that_yaml_read_as_a_number_is_its_text(value: float, text: str) -> None:
    assert _names.version(value) == text


@pytest.mark.parametrize("value", ATTACKS, ids=repr)
def test_a_version_that_is_not_plain_is_refused_and_quoted(value: Any) -> None:
    with pytest.raises(RollbackError, match="version has an unsafe or malformed value") as caught:
        _names.version(value)
    assert "letters" in caught.value.hint
    assert repr(value)[:40] in caught.value.message


@given(st.text())
def test_whatever_passes_as_a_version_can_be_a_file_name_and_an_argument(value: str) -> None:
    try:
        passed = _names.version(value)
    except RollbackError:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", passed)
    assert passed == value


@pytest.mark.parametrize("value", ["udo", "shop-2", "a_b", "0"])
def test_a_stack_name_is_returned_as_it_is(value: str) -> None:
    assert _names.stack_name(value) == value


@pytest.mark.parametrize("value", ["Udo", "a b", "../x", "", "-x", "a/b", "{{ x }}", "x" * 64, None])
def test_a_stack_name_that_could_not_name_a_directory_and_an_image_is_refused(value: Any) -> None:
    with pytest.raises(RollbackError, match=r"rollback_stack\.name"):
        _names.stack_name(value)


def test_only_the_launch_variables_that_were_given_are_returned() -> None:
    raw = {"version": "v1", "reason": "it is slow, really: 5 s", "run": None, "ansible_user": "{{ x }}"}
    assert _names.launch_values(raw, ["version", "run", "reason"]) == {
        "version": "v1",
        "reason": "it is slow, really: 5 s",
    }


def test_what_an_inventory_means_by_the_name_of_another_playbooks_variable_is_left_alone() -> None:
    assert _names.launch_values({"version": "v1", "service": {"name": "x"}}, ["version"]) == {"version": "v1"}


@pytest.mark.parametrize("name", sorted(_names.LAUNCH_VARIABLES))
@pytest.mark.parametrize(
    "attack", ["{{ lookup('pipe','id') }}", "a {{ x }}", "{%", "{#", "a\x00b", "a\nb", {"a": {"b": 1}}]
)
def test_no_launch_variable_may_hold_a_template_or_a_control_character(name: str, attack: Any) -> None:
    with pytest.raises(RollbackError, match=f"{name} has an unsafe"):
        _names.launch_values({name: attack}, [name])


@given(st.sampled_from(sorted(_names.LAUNCH_VARIABLES)), st.text() | st.integers() | st.floats() | st.booleans())
def test_no_launch_variable_ever_passes_with_template_syntax(name: str, value: Any) -> None:
    try:
        passed = _names.launch_values({name: value}, [name]).get(name, "")
    except RollbackError:
        return
    assert not any(opening in passed for opening in ("{{", "{%", "{#", "\n", "\0"))


def test_a_long_attack_is_cut_in_the_message() -> None:
    with pytest.raises(RollbackError) as caught:
        _names.version("x" * 10_000)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("path", ["a", "a/b", ".env", "a b", "..a", "a..b/c..", "...", "-x"])
def test_a_path_inside_its_directory_is_returned(path: str) -> None:
    assert _names.relative_path(path, "here") == path


@pytest.mark.parametrize("path", ["..", "../a", "a/..", "a/../b", "/", "/a", "//a", "", "a/../../b", "./.."])
def test_a_path_that_leaves_its_directory_is_refused(path: str) -> None:
    with pytest.raises(RollbackError, match="here may not leave its directory"):
        _names.relative_path(path, "here")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("severity", "P1", "P1"),
        ("issue", "high_error_rate", "high_error_rate"),
        ("approved_by", "Olga O. <o@x>", None),
        ("approved_by", "olga@example.com", "olga@example.com"),
        ("override_reason", "the disk is full", "the disk is full"),
        ("metrics", "@metrics/now.json", "@metrics/now.json"),
        ("metrics", {"error_rate": 12.5, "crashes": None}, "error_rate=12.5"),
        ("metrics", {"error_rate": True}, None),
        ("metrics", {"error_rate": "{{ x }}"}, None),
        ("metrics", "@x;id", None),
        ("severity", "P3", None),
        ("severity", "none", None),
    ],
)
def test_what_the_matrix_is_asked_with(name: str, value: Any, text: str | None) -> None:
    if text is None:
        with pytest.raises(RollbackError, match=f"{name} has an unsafe or malformed value"):
            _names.launch_values({name: value}, [name])
    else:
        assert _names.launch_values({name: value}, [name]) == {name: text}


def test_the_name_of_a_person_is_plain() -> None:
    assert _names.person("Olga O.") == "Olga O."
    with pytest.raises(RollbackError, match="who approves"):
        _names.person("{{ x }}")


@pytest.mark.parametrize("given", ["lint", "lint,e2e_tests", "[lint, e2e_tests]", ["lint", "e2e_tests"]])
def test_gates_to_skip_are_given_with_or_without_brackets_or_as_a_list(given: object) -> None:
    assert "lint" in _names.launch_values({"skip_gates": given}, ["skip_gates"])["skip_gates"]


@pytest.mark.parametrize("given", ["{{ lint }}", "lint;rm", "lint,,e2e", ","])
def test_gates_to_skip_are_names(given: str) -> None:
    with pytest.raises(RollbackError, match="skip_gates has an unsafe or malformed value"):
        _names.launch_values({"skip_gates": given}, ["skip_gates"])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("batch", [5, "1", "25%", "100%"], [0, "0%", "abc", "150%", "-1", 2.5, "5 %", "5,10", "٣"]),
        ("failures", [0, "0%", 20, "100%"], ["101%", 150, "-1%", "none", "20%%", 0.5]),
        ("canary", [1, "web1", "web1,db-2.example.org", ["web1", "web2"]], ["web 1", "web1,", "-x", "a;b", "*"]),
        ("done", ["keep", "forward"], ["back", True]),
    ],
)
def test_what_a_fleet_is_told_is_of_the_form_that_is_meant(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        text = ",".join(value) if isinstance(value, list) else str(value)
        assert _names.launch_values({name: value}, [name]) == {name: text}
    for value in bad:
        with pytest.raises(RollbackError, match=f"{name} has an unsafe or malformed value"):
            _names.launch_values({name: value}, [name])


@pytest.mark.parametrize("given", ["", None])
def test_a_question_that_nobody_answered_is_not_given(given: object) -> None:
    names = list(_names.LAUNCH_VARIABLES)
    assert _names.launch_values(dict.fromkeys(names, given), names) == {}


def test_of_a_few_words_each_is_taken_and_named_and_nothing_else_is() -> None:
    few = {name: _names.choices(name) for name in _names.LAUNCH_VARIABLES if _names.choices(name)}
    assert few["severity"] == ("P0", "P1", "P2", "critical", "high", "medium", "low")
    assert few["rebuild"] == ("true", "false")
    for name, words in few.items():
        for word in words:
            assert _names.launch_values({name: word}, [name]) == {name: word}
            assert word in _names.allowed(name)
        with pytest.raises(RollbackError, match=name):
            _names.launch_values({name: f"{words[0]}x"}, [name])


def test_of_a_number_the_largest_is_taken_and_no_larger_one() -> None:
    found = {name: _names.largest(name) for name in _names.LAUNCH_VARIABLES if _names.largest(name)}
    assert {"days", "minutes", "seed"} <= set(found)
    for name, number in found.items():
        assert number is not None
        assert _names.launch_values({name: number}, [name]) == {name: str(number)}
        with pytest.raises(RollbackError, match=name):
            _names.launch_values({name: number + 1}, [name])
