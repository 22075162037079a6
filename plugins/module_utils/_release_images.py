# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a version's images come from: built, pulled, found on the host by name, or those that run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tiered.rollback.plugins.module_utils._docker import Engine
from ansible_collections.tiered.rollback.plugins.module_utils._errors import RollbackError
from ansible_collections.tiered.rollback.plugins.module_utils._manifest import ServicePart
from ansible_collections.tiered.rollback.plugins.module_utils._observe import Observed
from ansible_collections.tiered.rollback.plugins.module_utils._release_files import RETAG
from ansible_collections.tiered.rollback.plugins.module_utils._stack import Stack

BUILD, PULL, HERE = "build", "pull", "here"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One service's image.

    :param how: ``build``, ``pull`` or ``here``.
    :param image: the name that the Compose file gives it.
    :param reference: the name by which it is pulled or was found.
    :param image_id: where it is here already.
    :param built_as: what tells builds apart; services that are built alike share an image.
    """

    how: str
    image: str
    reference: str = ""
    image_id: str = ""
    digests: tuple[str, ...] = ()
    built_as: str = ""


def find(
    stack: Stack,
    engine: Engine,
    now: Observed,
    present: Mapping[str, ServicePart],
    definition: Mapping[str, Any],
    version: str,
    source: str,
) -> dict[str, Origin]:
    """Say of each service of a version where its image comes from; pulls and builds nothing.

    :param present: the services as they run.
    :param source: ``retag`` where image names do not tell versions apart.
    """
    found = {}
    for name, entry in definition["services"].items():
        image = entry.get("image") or f"{now.project}-{name}"
        how = stack.service(name).release
        runs = present.get(name)
        if how == "auto":
            how = BUILD if entry.get("build") else "named"
        if how == BUILD:
            found[name] = _built(name, image, entry)
        elif how == "keep" and runs is not None and runs.image == image:
            found[name] = _running(image, runs)
        else:
            found[name] = _named(engine, now, image, runs, version if source == RETAG else None, pull=how == PULL)
    return found


def versioned(image: str, version: str) -> list[str]:
    """Return the names that a version's image may have beside one that does not tell versions apart."""
    if "@" in image:
        return []
    head, slash, tail = image.rpartition("/")
    repository = f"{head}{slash}{tail.partition(':')[0]}"
    return list(dict.fromkeys([f"{repository}:{version}", f"{repository}:{version.removeprefix('v')}"]))


def pull(engine: Engine, reference: str) -> None:
    """Pull an image by its name."""
    try:
        engine.pull(reference)
    except RollbackError as error:
        raise RollbackError(
            f"{reference} cannot be pulled: {error.message}",
            "Push it, start the registry, or load it here (docker load). Nothing that runs was touched.",
        ) from error


def _built(name: str, image: str, entry: Mapping[str, Any]) -> Origin:
    if not entry.get("build"):
        raise RollbackError(
            f"service {name} is to be built, and the Compose file has no 'build' for it",
            f"Write one, or correct services.{name}.release in rollback_stack.",
        )
    return Origin(how=BUILD, image=image, built_as=json.dumps(entry["build"], sort_keys=True, default=str))


def _running(image: str, runs: ServicePart) -> Origin:
    return Origin(how=HERE, image=image, reference=runs.image, image_id=runs.image_id, digests=runs.digests)


def _named(
    engine: Engine, now: Observed, image: str, runs: ServicePart | None, version: str | None, *, pull: bool
) -> Origin:
    """Return an image that is not built.

    :param version: where the name in the Compose file does not tell versions apart.
    :param pull: whether it is pulled though it may be here.
    """
    names = versioned(image, version) if version else [image]
    if pull and names:
        return Origin(how=PULL, image=image, reference=names[0])
    if runs is not None and runs.image == image and not version:
        return _running(image, runs)
    for name in names:
        here = engine.image(name)
        if here is not None:
            return Origin(how=HERE, image=image, reference=name, image_id=here.id, digests=here.digests)
    if runs is not None and runs.image == image:
        return _running(image, runs)
    here = engine.image(image)
    if here is not None:
        return Origin(how=HERE, image=image, reference=image, image_id=here.id, digests=here.digests)
    return Origin(how=PULL, image=image, reference=image)
