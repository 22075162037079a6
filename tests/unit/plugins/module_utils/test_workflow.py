# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.plugins.module_utils import _workflow
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._workflow import Input, Use, Workflow
from hypothesis import given
from hypothesis import strategies as st

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FLAGS = """
name: Feature flags
on:
  workflow_dispatch:
    inputs:
      rollback_to_legacy: {description: Go back, type: boolean, required: true, default: false}
      stage: {type: choice, required: true, options: [some, "1.10"]}
      attempts: {type: number}
      reason: {required: True}
      target: {type: environment}
  push:
jobs:
  set: {runs-on: ubuntu-latest, steps: [{run: "true"}]}
"""


def _parse(text: str) -> Workflow:
    return _workflow.parse("ci.yml", text.encode())


def _using(*uses: str) -> Workflow:
    steps = "".join(f"      - uses: {each}\n" for each in uses)
    return _parse(f"on: push\njobs:\n  test:\n    steps:\n{steps}")


@pytest.mark.parametrize(
    ("on", "triggers"),
    [("push", ("push",)), ("[push, pull_request]", ("push", "pull_request")), ("{push: , schedule: []}", None)],
)
def test_triggers_are_read_in_every_form(on: str, triggers: tuple[str, ...] | None) -> None:
    found = _parse(f"on: {on}\njobs: {{a: {{}}}}")
    assert found.triggers == (triggers or ("push", "schedule"))
    assert (found.name, found.jobs, found.dispatch, found.uses) == ("ci.yml", ("a",), None, ())


@pytest.mark.parametrize("on", ["workflow_dispatch", "[push, workflow_dispatch]", "{workflow_dispatch: }"])
def test_a_workflow_may_be_started_by_request_without_inputs(on: str) -> None:
    assert _parse(f"on: {on}\njobs: {{a: {{}}}}").dispatch == {}


def test_inputs_are_read() -> None:
    found = _parse(FLAGS)
    assert found.name == "Feature flags"
    assert found.dispatch is not None
    boolean = Input(name="rollback_to_legacy", type="boolean", required=True, default="false", options=())
    choice = Input(name="stage", type="choice", required=True, default=None, options=("some", "1.10"))
    assert [found.dispatch["rollback_to_legacy"], found.dispatch["stage"]] == [boolean, choice]
    assert found.dispatch["reason"].type == "string"


def test_every_use_has_its_place() -> None:
    text = f"""
on: push
jobs:
  called: {{uses: owner/repository/.github/workflows/build.yml@v1}}
  test:
    steps:
      - run: echo
      - uses: actions/checkout@{COMMIT}
      - uses: ./.github/actions/own
      - {{name: x, uses: "docker://alpine:3.20@sha256:{"0" * 64}"}}
"""
    assert _parse(text).uses == (
        Use(where="jobs.called", action="owner/repository/.github/workflows/build.yml", ref="v1"),
        Use(where="jobs.test.steps[1]", action="actions/checkout", ref=COMMIT),
        Use(where="jobs.test.steps[2]", action="./.github/actions/own", ref=""),
        Use(where="jobs.test.steps[3]", action="docker://alpine:3.20", ref=f"sha256:{'0' * 64}"),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "ci.yml, line 1 is no workflow: it is no mapping"),
        ("- a", "ci.yml, line 1 is no workflow: it is no mapping"),
        ("on: push\njobs:", "ci.yml is no workflow: it has no jobs"),
        ("on: push\njobs: [a]", "ci.yml is no workflow: it has no jobs"),
        ("jobs: {a: {}}", "it has no triggers"),
        ("true: push\njobs: {a: {}}", "it has no triggers"),
        ("on: push\njobs: {a: [}", "ci.yml, line 2 is no YAML"),
        ("on: push\n\tjobs: {}", "ci.yml, line 2 is no YAML"),
        ("on: push\n---\non: push", "ci.yml, line 2 is no YAML: but found another document"),
        ("? [a]\n: b", "ci.yml, line 1 is no YAML: found unhashable key"),
        ("on: *absent", "ci.yml, line 1 is no YAML: found undefined alias 'absent'"),
        ("on: \x07", "ci.yml is no YAML: unacceptable character"),
        ("on: \xff", "ci.yml is no YAML: 'utf-8' codec"),
        ("[" * 5000, "ci.yml is no YAML: maximum recursion"),
        ("a: " + "b" * (512 << 10), "ci.yml is larger than 512 kB"),
    ],
)
def test_what_is_no_workflow_is_an_error_with_its_place(text: str, says: str) -> None:
    with pytest.raises(RollbackError) as caught:
        _workflow.parse("ci.yml", text.encode("latin-1"))
    assert says in caught.value.message
    assert caught.value.hint


def test_a_file_that_repeats_itself_by_anchors_is_refused() -> None:
    steps = "[" + "{run: x}," * 1000 + "]"
    jobs = "".join(f"  job{number}: *job\n" for number in range(1000))
    with pytest.raises(RollbackError, match="more than 10000 steps"):
        _parse(f"on: push\njobs:\n  first: &job\n    steps: {steps}\n{jobs}")


@given(
    st.recursive(
        st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["on", "jobs", "steps", "uses", "inputs", "workflow_dispatch", "x"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_stands_where_nothing_else_is_raised(document: Any) -> None:
    for text in (repr(document), f"on: {document!r}\njobs: {{a: {document!r}}}"):
        try:
            _parse(text)
        except RollbackError:
            continue


@pytest.mark.parametrize(
    "inputs",
    [
        {"stage": "some", "reason": ""},
        {"stage": "1.10", "reason": "x", "rollback_to_legacy": True, "attempts": 3, "target": "production"},
        {"stage": "some", "reason": "x", "rollback_to_legacy": "false", "attempts": "-1.5"},
    ],
)
def test_inputs_that_suit_are_let_through(inputs: dict[str, object]) -> None:
    _workflow.check_inputs(_parse(FLAGS), inputs)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reasn": "x"}, "there is no input reasn"),
        ({"stage": "all"}, "stage is 'all', and has to be some or 1.10"),
        ({"rollback_to_legacy": "yes"}, "rollback_to_legacy is 'yes', and has to be a boolean"),
        ({"attempts": "3x"}, "attempts is '3x', and has to be a number"),
        ({"attempts": True}, "attempts is 'true'"),
    ],
)
def test_inputs_that_github_would_refuse_are_refused_with_what_there_is(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RollbackError, match=r"ci\.yml does not take these inputs") as caught:
        _workflow.check_inputs(_parse(FLAGS), {"stage": "some", "reason": "x", **changes})
    assert says in caught.value.message
    assert caught.value.hint == (
        "It has: rollback_to_legacy (boolean), stage (some or 1.10, required), attempts (number), "
        "reason (string, required), target (environment)."
    )


def test_every_missing_input_is_named() -> None:
    with pytest.raises(RollbackError, match="stage is required; reason is required"):
        _workflow.check_inputs(_parse(FLAGS), {})


def test_a_workflow_that_cannot_be_started_by_request_is_refused() -> None:
    with pytest.raises(RollbackError, match="it has no workflow_dispatch") as caught:
        _workflow.check_inputs(_using(), {})
    assert "(push)" in caught.value.hint


@pytest.mark.parametrize(
    "uses",
    [f"actions/checkout@{COMMIT}", "./.github/actions/own", f"docker://alpine@sha256:{'a' * 64}", "actions/cache@v4"],
)
def test_what_is_pinned_or_was_used_before_is_no_finding(uses: str) -> None:
    assert _workflow.unpinned(_using(uses), [_using("actions/setup-python@v5"), _using("actions/cache@v4")]) == []


@pytest.mark.parametrize(
    "uses",
    [
        "actions/cache@v3",
        "actions/cache",
        "Actions/cache@v4",
        f"actions/checkout@{COMMIT[:7]}",
        f"actions/checkout@{COMMIT}0",
        "docker://alpine:3.20",
        f"docker://alpine@{COMMIT}",
        f"actions/checkout@sha256:{'a' * 64}",
    ],
)
def test_what_is_neither_is_a_finding(uses: str) -> None:
    (finding,) = _workflow.unpinned(_using("./own", uses), [_using("actions/cache@v4")])
    assert (finding.file, finding.check, finding.rule) == ("ci.yml", "pins", "unpinned")
    assert finding.where == "jobs.test.steps[1]"
    assert finding.message.startswith(uses)
    assert str(finding) == (
        f"ci.yml, jobs.test.steps[1]: {uses} is not pinned to a commit, and was not used before (pins: unpinned, high)"
    )
