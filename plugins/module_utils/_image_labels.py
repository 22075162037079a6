# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images say of themselves by the labels of the Open Container Initiative (pure).

An image with other labels is another image, with another id: they are written when one is built, and only then.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.tiered.rollback.plugins.module_utils._container import Image

_PREFIX = "org.opencontainers.image."
VERSION = f"{_PREFIX}version"
#: Who builds an image knows these by the command.
_KNOWN_BY = {
    "created": '"$(date -u +%Y-%m-%dT%H:%M:%SZ)"',
    "revision": '"$(git rev-parse HEAD)"',
    "version": "{version}",
}


def of(image: Image) -> dict[str, str]:
    """Return what an image says of its making, by ``created``, ``revision`` and ``version``; absent ones left out."""
    return {key: image.labels[_PREFIX + key] for key in _KNOWN_BY if image.labels.get(_PREFIX + key)}


def stamp(created: str, revision: str | None, version: str) -> dict[str, str]:
    """Return the labels for an image that is about to be built."""
    said = {"created": created, "revision": revision, "version": version}
    return {_PREFIX + key: value for key, value in said.items() if value}


def remarks(images: Mapping[str, Image], version: str) -> list[str]:
    """Say which images lack labels, and how they would get them; a sentence for each image.

    :param images: by service.
    :param version: what is captured.
    """
    services: dict[str, list[str]] = {}
    for service, image in images.items():
        services.setdefault(image.id, []).append(service)
    told = []
    for names in services.values():
        missing = [key for key in _KNOWN_BY if key not in of(images[names[0]])]
        if missing:
            options = [f"--label {_PREFIX}{key}={_KNOWN_BY[key].format(version=version)}" for key in missing]
            told.append(
                f"The image of {', '.join(sorted(names))} does not say by labels when, from what commit or as what "
                f"version it was made. Build it with: docker build {' '.join(options)}"
            )
    return told
