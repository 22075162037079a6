# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of check has in common: what it works with, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

if TYPE_CHECKING:
    from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
    from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
    from ansible_collections.tiered.rollback.plugins.module_utils._mcp import Mcp
    from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a kind's judge says.

    :param figures: what was measured, for a comparison with other times.
    """

    ok: bool
    expected: str
    found: str
    hint: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One check's result; *milliseconds* is how long it took."""

    name: str
    kind: str
    ok: bool
    expected: str
    found: str
    milliseconds: float = 0.0
    hint: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON types."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is checked, and the clients for it.

    :param unfinished: a run that was not finished, in words; empty where there is none.
    :param deadline: monotonic time after which nobody waits for a check any more.
    """

    stack: Stack
    engine: Engine
    now: Observed
    databases: Mapping[str, Database]
    mcp: Mcp | None
    deadline: float
    unfinished: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of check; its *key* is what a user's check is told by.

    :param refuse: raises :class:`RollbackError` for what the specification cannot say; gets the values, where they
        stand, and the stack.
    :param look: runs it; may raise :class:`RollbackError`, whose message and hint then are what was found.
    """

    key: str
    spec: Mapping[str, Mapping[str, Any]]
    look: Callable[[Mapping[str, Any], Subject], Found]
    refuse: Callable[[Mapping[str, Any], str, Stack], None]
