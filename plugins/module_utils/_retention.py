# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restore points have served their time (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint


def expendable(
    points: Sequence[RestorePoint],
    *,
    kept: Collection[str],
    proven: Collection[str],
    keep: int,
    max_age_days: int | None,
    today: datetime,
) -> list[str]:
    """Return the ids of points that retention removes.

    Deployed points, the states before runs, what partial runs went to and what deployments went to are counted apart,
    so that many rollbacks never push a version out.

    :param points: oldest first.
    :param kept: ids that must stay: what runs, what is pinned, what an unfinished or the newest run refers to.
    :param proven: ids of proven points; the newest deployed one of them stays as well.
    :param keep: how many of each kind stay, at least.
    :param max_age_days: points beyond *keep* that are younger than this stay too; None: *keep* alone counts.
    """
    newest_proven = [point.id for point in points if point.kind == "deploy" and point.id in proven][-1:]
    safe = {*kept, *newest_proven}
    found = []
    for kind in ("deploy", "before", "partial", "release"):
        mine = [point for point in points if point.kind == kind]
        for point in mine[: max(len(mine) - max(keep, 1), 0)]:
            young = max_age_days is not None and today - datetime.fromisoformat(point.created) < timedelta(
                days=max_age_days
            )
            if point.id not in safe and not young:
                found.append(point.id)
    return found
