# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version that was good when it was captured is not any more: the state before comes back by itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tiered.rollback.tests.support.stack import Stack


@pytest.fixture(scope="module")
def stack(make_stack: Any) -> Stack:
    made: Stack = make_stack()
    made.description |= {"health_timeout": 6, "config": ["compose.yml", ".env"]}
    for version in ("v0.9.0", "v1.0.0"):
        made.compose({"api": made.published(environment={"GREETING": "${GREETING}", "SINCE": version})})
        made.write(".env", f"GREETING=hello from {version}\n")
        made.deploy(version)
        if version == "v0.9.0":
            made.capture(version)
    return made


@pytest.mark.parametrize("kind", ["unhealthy", "crash", "broken"])
def test_the_state_before_comes_back_by_itself_when_the_target_is(stack: Stack, kind: str) -> None:
    stack.trouble("v0.9.0", kind)
    images, files = stack.image_ids(), stack.files()

    outcome = stack.rollback("v0.9.0")

    assert outcome.rc != 0, outcome.output
    assert "The state before" in outcome.said
    assert "was put back" in outcome.said
    assert stack.image_ids() == images == {"api": stack.images.get("v1.0.0")}
    assert stack.files() == files
    assert stack.healthy()
    assert stack.ask("/api/status").document["greeting"] == "hello from v1.0.0"

    report, text = stack.report()
    assert (report["outcome"], report["from_version"], report["to_version"]) == ("reverted", "v1.0.0", "v0.9.0")
    assert "the state before was put back" in text
    assert {"unhealthy": "does not get healthy", "crash": "exit code 1", "broken": "status 500"}[kind] in text
    assert stack.ledger()[-1]["outcome"] == "reverted"
    assert not (stack.state / stack.name / "journal.json").exists()


def test_a_broken_release_is_left_for_a_good_one_and_undo_returns_even_to_it(make_stack: Any) -> None:
    stack: Stack = make_stack()
    stack.compose({"api": stack.published()})
    stack.deploy("v0.9.0")
    stack.capture("v0.9.0")
    broken = stack.deploy("v1.0.0", "broken")
    assert stack.ask("/api/status").status == 500

    stack.rollback("previous").ok()
    assert stack.ask("/api/status").status == 200
    assert stack.image_ids() == {"api": stack.images.get("v0.9.0")}

    stack.undo().ok()
    assert stack.image_ids() == {"api": broken}
    assert stack.ask("/api/status").status == 500
