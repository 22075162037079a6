# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which databases a run takes back, and whether a tier that leaves them alone may be used at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.tiered.rollback.plugins.module_utils._databases import Database
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint


class OtherSchema(RollbackError):
    """Images cannot cross a migration; a tier that takes databases back can."""


def takes_data(tier: int, kind: str, point: RestorePoint) -> bool:
    """Whether a run takes databases back: Tier 2 does, and an undo of a run that did."""
    return bool(point.databases) if kind == "undo" else tier == 2


def refuse_mismatch(point: RestorePoint, described: Sequence[str]) -> None:
    """Refuse to take data back where point and stack do not hold the same databases: they go together or not at all."""
    if not described:
        raise RollbackError(
            "rollback_stack describes no database",
            "Tier 1 does all there is to do (tier1-emergency.yml); or describe postgres or sqlite, and capture again.",
        )
    if missing := sorted(set(described) - set(point.databases)):
        raise RollbackError(
            f"restore point {point.id} holds no copy of {', '.join(missing)}",
            "Choose a point that was captured since the database is described; status.yml lists them.",
        )
    if unknown := sorted(set(point.databases) - set(described)):
        raise RollbackError(
            f"restore point {point.id} holds {', '.join(unknown)}, which rollback_stack does not describe",
            "Describe it under postgres or sqlite, as it was when the point was captured.",
        )


def refuse_other_schema(point: RestorePoint, databases: Mapping[str, Database]) -> None:
    """Refuse to take images back across a migration (X-6).

    :param databases: the stack's, by name.
    """
    for name, part in point.databases.items():
        if name not in databases:
            continue
        try:
            now = databases[name].schema()
        except RollbackError as error:
            raise OtherSchema(
                f"the schema of {name} cannot be compared with that of {point.version}: {error.message}",
                "State -e schema_compatible=true if that version works with the schema there is.",
            ) from error
        if now != part.schema:
            raise OtherSchema(
                f"{name} has another schema ({now[:12]}) than {point.version} ran with ({part.schema[:12]})",
                f"Use Tier 2, which takes the database back too: tier2-standard.yml -e version={point.version}. "
                "Or state -e schema_compatible=true if that version works with the schema there is.",
            )
