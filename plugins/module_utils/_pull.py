# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a restore point needs: which are not on this host, and how they get there."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.tiered.rollback.plugins.module_utils import _plan
from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import ServicePart


def missing(engine: Engine, services: Mapping[str, ServicePart]) -> dict[str, ServicePart]:
    """Return the services whose image is not on this host."""
    return {name: part for name, part in services.items() if engine.image(part.image_id) is None}


def images(engine: Engine, wanted: Mapping[str, ServicePart]) -> None:
    """Fetch images that are not at hand, by digest, and check that they are what the point names.

    :raises RollbackError: when no registry has one of them; nothing was stopped by then.
    """
    for name, part in wanted.items():
        reasons = [_pull_one(engine, part, digest) for digest in part.digests]
        if engine.image(part.image_id) is None:
            why = "; ".join(filter(None, reasons)) or "no registry is known to hold it"
            raise RollbackError(
                f"the image of {name} ({_plan.short(part.image_id)}) is not on this host and cannot be pulled: {why}",
                "Start the registry, or load the image (docker load); or let Compose build it again from its commit: "
                "tier2-standard.yml -e rebuild=true; or choose another version. Nothing was changed.",
            )


def _pull_one(engine: Engine, part: ServicePart, digest: str) -> str:
    if engine.image(part.image_id) is not None:
        return ""
    try:
        engine.pull(digest)
    except RollbackError as error:
        return error.message
    return ""
