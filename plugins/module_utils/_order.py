# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of services that need each other: who is updated together, and who before whom (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError

Needs = Mapping[str, Collection[str]]


def refuse_cycle(needs: Needs, where: str) -> None:
    """Refuse services that need each other in a circle.

    :param needs: by service, those that it needs.
    """
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise RollbackError(f"{where}: no order exists, {circle}", "Take one of these out of depends_on.") from error


def waves(names: Iterable[str], needs: Needs, *, needed_first: bool) -> list[tuple[str, ...]]:
    """Group services so that those of a group do not need each other, and sort the groups.

    A service that is not among the names still keeps those that it needs apart from those that need it.

    :param needed_first: the order of a deployment; a rollback goes the other way, so that no service ever meets an
        older one than it was made for.
    """
    wanted, found = set(names), []
    sorter = TopologicalSorter({**dict.fromkeys(wanted, ()), **needs})
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(tuple(sorted(wanted.intersection(ready))))
        sorter.done(*ready)
    groups = [group for group in found if group]
    return groups if needed_first else groups[::-1]
