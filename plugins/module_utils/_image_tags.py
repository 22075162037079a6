# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image names of our own: one per restore point, which keeps the image, and those that people look for (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.tiered.rollback.plugins.module_utils._manifest import RestorePoint
from ansible_collections.tiered.rollback.plugins.module_utils._select import PREVIOUS

_OURS = "tiered-rollback"
#: What ``git rev-parse --short`` gives in a repository of ordinary size.
_SHORT = 7
#: No pre-release: ``v1.0`` is what was released last.
_RELEASE = re.compile(r"(v?[0-9]+\.[0-9]+)\.[0-9]+(?:\+[0-9A-Za-z.-]+)?")


def prefix(stack: str) -> str:
    """Return what the names of a stack's images begin with, before the service."""
    return f"{_OURS}/{stack}"


def image_name(prefix: str, service: str, tag: str) -> str:
    """Return an image's full name."""
    return f"{prefix}/{service.lower()}:{tag}"


def as_tag(name: str) -> str:
    """Return a version, or a point's id, as a tag: of what versions may hold, tags lack the plus sign only."""
    return name.replace("+", "_")


def of_point(point: RestorePoint, below: str | None = None) -> dict[str, str]:
    """Return the name per service that keeps its image from ``docker image prune`` while the point exists.

    :param below: the prefix; without it the stack's own.
    """
    return {name: image_name(below or prefix(point.stack), name, as_tag(point.id)) for name in point.services}


def of_versions(points: Sequence[RestorePoint]) -> dict[str, dict[str, str]]:
    """Return per service the tags by which people know versions, each with the id of its image.

    These are the version, its ``major.minor``, the short git commit, and ``previous`` for the version deployed before
    the newest. States before runs are no versions.

    :param points: oldest first.
    """
    deployed = [point for point in points if point.kind == "deploy"]
    taken = {as_tag(point.id) for point in points}
    services = dict.fromkeys(name for point in deployed for name in point.services)
    return {
        name: {tag: image for tag, image in _of_service(name, deployed).items() if tag not in taken}
        for name in services
    }


def names(stack: str, points: Sequence[RestorePoint]) -> dict[str, str]:
    """Return :func:`of_versions` as full names of the stack's own."""
    return {
        image_name(prefix(stack), service, tag): image
        for service, tags in of_versions(points).items()
        for tag, image in tags.items()
    }


def _of_service(service: str, deployed: Sequence[RestorePoint]) -> dict[str, str]:
    having = [point for point in deployed if service in point.services]
    images = {point.version: point.services[service].image_id for point in having}
    # Built again later is not deployed later.
    ordered = sorted(having, key=lambda point: point.rebuilt_from is None)
    newest_first = list(dict.fromkeys(point.version for point in reversed(ordered)))
    tags = {}
    if len(newest_first) > 1:
        tags[PREVIOUS] = images[newest_first[1]]
    tags.update({p.git.commit[:_SHORT]: p.services[service].image_id for p in having if p.git})
    lines = [(match[1], version) for version in reversed(newest_first) if (match := _RELEASE.fullmatch(version))]
    tags.update({line: images[version] for line, version in lines})
    # Last: a version's own name outranks one that only looks like it.
    tags.update({as_tag(version): images[version] for version in reversed(newest_first)})
    return tags
