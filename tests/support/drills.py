# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What drills have made of a stack and not removed, seen from outside."""

from __future__ import annotations

from ansible_collections.tiered.rollback.plugins.module_utils import _drill, _staging
from ansible_collections.tiered.rollback.tests.support import engine
from ansible_collections.tiered.rollback.tests.support.stack import Stack

_PROJECT = "com.docker.compose.project"


def copies(stack: Stack) -> list[str]:
    """Name the staging copies of a stack: by directory, container, network or volume."""
    found = set(_staging.remains(stack.state / stack.name))
    for kind, *listing in (("container", "ls", "-a"), ("network", "ls"), ("volume", "ls")):
        label = f"label={_drill.LABEL}={stack.name}"
        shown = '{{.Label "' + _PROJECT + '"}}'
        found |= set(engine.docker(kind, *listing, "--filter", label, "--format", shown).split())
    return sorted(found)


def assert_none_left(stack: Stack) -> None:
    """See that nothing of any drill is left."""
    assert copies(stack) == []
    named = f"drill-{stack.name}"
    assert not [*engine.tags(named), *engine.tags(f"tiered-rollback/{named}")]


def remove(stack: Stack) -> None:
    """Remove what tests that failed have left."""
    for name in copies(stack):
        engine.remove_labelled(name, _PROJECT)
        engine.untag([*engine.tags(f"{name}/"), *engine.tags(f"tiered-rollback/{name}/")])
